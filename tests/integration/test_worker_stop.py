"""A deploy: the worker is stopped while a run goes on. The run waits again at once and has lost nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psutil
import pytest

from tests.integration.client import Client, exercise_files, lines
from tests.site_process import ROOT, Site

pytestmark = pytest.mark.box
QUICK = "90_fixtures/arithmetic"  # limits of a few seconds
PATIENT = "09_ab_testing/peek_safely"  # a minute and more
FOR_EVER = "print('it runs', flush=True)\nwhile True:\n    pass\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(
        tmp_path_factory.mktemp("state"), env={"RANKZERO_LESSONS": str(ROOT / "tests" / "fixtures" / "lessons")}
    )
    site.start()
    yield site
    assert site.stop() == 0, site.output()[-3000:]


def worker(site: Site, queue: str, timeout_s: float = 60) -> psutil.Process:
    """The main process of that queue's Celery worker, once it is there."""
    assert site.process is not None
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        tree = psutil.Process(site.process.pid).children()
        found = [one for one in tree if {"celery", queue} <= set(one.cmdline())]
        if found and found[0].children():
            return found[0]
        time.sleep(0.1)
    raise AssertionError(f"no worker of queue {queue}:\n{site.output()}")


def test_a_stopped_worker_gives_its_run_back_and_the_next_one_has_it(site: Site) -> None:
    with Client(site) as learner:
        learner.sign_in()
        first = worker(site, "smoke")
        answer = learner.submit(QUICK, {"main.py": FOR_EVER}).json()
        learner.follow(answer["ws_url"], until="line")
        first.terminate()
        first.wait(30)
        assert worker(site, "smoke").pid != first.pid
        messages = learner.follow(answer["ws_url"])
        told = [text for _, text in lines(messages)]
        assert "The worker was stopped; the run waits for another one." in told
        assert told.count("Started.") == 2, told  # a second try would say so
        assert messages[-1]["verdict"] == "timed_out", "by its own limit, in the end"
        control = learner.submit(QUICK, exercise_files(QUICK, "solution")).json()
        assert learner.follow(control["ws_url"])[-1]["verdict"] == "passed"


def test_a_quick_run_does_not_wait_behind_a_long_one(site: Site) -> None:
    with Client(site) as learner:
        learner.sign_in()
        worker(site, "cpu")
        worker(site, "smoke")
        name = next(iter(exercise_files(PATIENT, "starter")))
        long = learner.submit(PATIENT, {name: FOR_EVER}, "cpu").json()
        learner.follow(long["ws_url"], until="line")
        quick = learner.submit(QUICK, exercise_files(QUICK, "solution"), "smoke").json()
        assert learner.follow(quick["ws_url"])[-1]["verdict"] == "passed"
        learner.post(f"/runs/{long['run']}/cancel/", {})  # it still goes on
        assert learner.follow(long["ws_url"])[-1]["verdict"] == "cancelled"
