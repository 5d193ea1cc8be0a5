"""Cancel at every stage, through a real site: the box dies within two seconds of the click, and nothing of it stays."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.client import Client, exercise_files
from tests.site_fixture import site  # noqa: F401  # a fixture
from tests.site_process import Site

pytestmark = pytest.mark.box
PEEK = "09_ab_testing/peek_safely"
NAME = next(iter(exercise_files(PEEK, "starter")))
WITHIN_S = 2.0
# Shows on the host by the name of its processes: the first one, a child, and one that was daemonised.
FAMILY = """
import ctypes, os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
ctypes.CDLL(None).prctl(15, b"{mark}")
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(600)
    time.sleep(600)
print("all there", flush=True)
while True:
    pass
"""


@pytest.fixture(scope="module")
def learner(site: Site) -> Iterator[Client]:  # noqa: F811
    with Client(site) as client:
        yield client.sign_in()


def processes(mark: str) -> list[Path]:
    """Of the whole machine, those of that name."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "comm").read_text().strip() == mark and "State:\tZ" not in (entry / "status").read_text():
                found.append(entry)
        except OSError:  # it ended meanwhile
            continue
    return found


def groups(process: Path) -> set[Path]:
    """The cgroups that are its box's own; none where boxes have none on this machine."""
    found = set()
    for line in (process / "cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "/rankzero-" in path:
            found.add(Path("/sys/fs/cgroup") / controllers / path.lstrip("/"))
    return {group for group in found if group.is_dir()}


def seconds_until(condition: Callable[[], bool], limit_s: float = 10.0) -> float:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < limit_s, "it did not come to pass"
        time.sleep(0.01)
    return time.monotonic() - began


def cancel(client: Client, run: str) -> None:
    assert client.post(f"/runs/{run}/cancel/", {}).status_code == 200


def is_over(client: Client, panel: str, mark: str) -> Callable[[], bool]:
    """The page says that the run was cancelled, and nothing of its box is left."""
    return lambda: "Cancelled" in client.http.get(panel).text and not processes(mark)


def test_a_running_box_is_dead_within_two_seconds_and_its_cgroup_is_gone(learner: Client) -> None:
    mark = f"rz{time.monotonic_ns() % 10**10}"
    answer = learner.submit(PEEK, {NAME: FAMILY.replace("{mark}", mark)}).json()
    learner.follow(answer["ws_url"], until="line")
    seconds_until(lambda: len(processes(mark)) == 3, 30)
    folders = set().union(*(groups(process) for process in processes(mark)))
    cancel(learner, answer["run"])
    took = seconds_until(lambda: not processes(mark))
    assert took < WITHIN_S
    assert learner.follow(answer["ws_url"])[-1]["verdict"] == "cancelled"
    seconds_until(lambda: not any(folder.exists() for folder in folders), 5)
    text = learner.http.get(answer["panel_url"]).text
    assert "Cancelled" in text
    assert "data-cancel" not in text


def test_it_is_cancelled_whenever_the_click_comes(learner: Client) -> None:
    """While it waits, is prepared, starts, runs: no stage swallows the click, and the next run is unaffected."""
    mark = f"rz{time.monotonic_ns() % 10**10}"
    for delay_s in (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8):
        answer = learner.submit(PEEK, {NAME: FAMILY.replace("{mark}", mark)}).json()
        time.sleep(delay_s)
        cancel(learner, answer["run"])
        assert seconds_until(is_over(learner, answer["panel_url"], mark)) < WITHIN_S, delay_s
        assert learner.follow(answer["ws_url"])[-1]["verdict"] == "cancelled", delay_s
    answer = learner.submit(PEEK, exercise_files(PEEK, "solution")).json()
    assert learner.follow(answer["ws_url"])[-1]["verdict"] == "passed"


def test_a_running_cell_is_stopped_too(learner: Client) -> None:
    mark = f"rz{time.monotonic_ns() % 10**10}"
    answer = learner.post("/lessons/09_ab_testing/cells/0/", {"code": FAMILY.replace("{mark}", mark)}).json()
    seconds_until(lambda: len(processes(mark)) == 3, 30)
    cancel(learner, answer["run"])
    assert seconds_until(lambda: not processes(mark)) < WITHIN_S
    assert learner.follow(answer["ws_url"])[-1]["verdict"] == "cancelled"
