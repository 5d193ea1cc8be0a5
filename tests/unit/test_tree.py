"""A tree of real processes: parts that die come back, those that cannot live end it, and nothing is left."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
RUN = """
import json, sys
from pathlib import Path
from webapp.config import tree
tree.STOP_S = 3.0
sys.exit(tree.Tree(json.loads(sys.argv[1]), env={"PATH": "/usr/bin:/bin"}, cwd=Path("/"), last=["service"]).run())
"""
SLEEP = ["sleep", "1000"]
Start = Callable[[dict[str, list[str]]], "Running"]


class Running:
    def __init__(self, folder: Path, parts: dict[str, list[str]]) -> None:
        self.log = folder / "log"
        with self.log.open("wb") as log:
            argv = [sys.executable, "-c", RUN, json.dumps(parts)]
            self.process = subprocess.Popen(argv, cwd=ROOT, stdout=log, stderr=log)

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def part(self, word: str) -> psutil.Process:
        """The running process whose command line has the word; waits for it."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            for child in self.children():
                if word in child.cmdline() and child.status() != psutil.STATUS_ZOMBIE:
                    return child
            time.sleep(0.02)
        raise AssertionError(f"no {word}: {self.text()}")

    def text(self) -> str:
        return self.log.read_text()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    running: list[Running] = []

    def start_one(parts: dict[str, list[str]]) -> Running:
        running.append(Running(tmp_path, parts))
        return running[-1]

    yield start_one
    for one in running:
        one.process.kill()
        one.process.wait()


def gone(processes: list[psutil.Process]) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=5)
    return not alive


def test_it_starts_a_dead_part_again_and_says_so(start: Start) -> None:
    tree = start({"one": [*SLEEP], "two": ["sleep", "2000"]})
    other, first = tree.part("2000"), tree.part("1000")
    first.kill()
    assert gone([first])
    assert tree.part("1000").pid != first.pid
    assert other.is_running(), "the others are left alone"
    assert "one ended (SIGKILL); it is started again, try 1 of 4 within a minute" in tree.text()
    assert tree.process.poll() is None


def test_it_ends_what_a_dead_part_left_in_its_session(start: Start) -> None:
    tree = start({"one": ["sh", "-c", "sleep 3000 & sleep 1000"]})
    orphan, shell = tree.part("3000"), tree.part("sh")
    shell.kill()
    assert gone([shell, orphan])
    assert tree.part("3000").pid != orphan.pid


def test_it_waits_longer_before_each_new_try_and_then_gives_up(start: Start) -> None:
    tree = start({"sound": [*SLEEP], "sick": ["sh", "-c", "date +%s.%N >&2; exit 3"]})
    sound = tree.part("1000")
    assert tree.process.wait(30) == 1
    assert gone([sound])
    said = tree.text().splitlines()
    times = [float(line.rpartition("| ")[2]) for line in said if "sick  |" in line]
    pauses = [after - before for before, after in itertools.pairwise(times)]
    assert [pause >= least for pause, least in zip(pauses, (0.1, 0.4, 1.6, 6.4), strict=True)] == [True] * 4
    assert sum("sick ended (exit code 3); it is started again" in line for line in said) == 4
    assert "sick ended (exit code 3) 5 times within 60 s: giving up." in said[-1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_stops_all_by_a_signal_and_ends_well(start: Start, number: signal.Signals) -> None:
    tree = start({"one": [*SLEEP], "two": ["sh", "-c", "sleep 3000 & sleep 2000"]})
    tree.part("3000")
    left = [tree.part("1000"), *tree.children()]
    tree.process.send_signal(number)
    assert tree.process.wait(10) == 0
    assert gone(left)


def test_it_stops_services_after_the_parts_that_use_them(start: Start) -> None:
    """`user` takes half a second to end, and says whether the service was still there then."""
    still = "kill -0 $(cat /tmp/rz-service-$PPID) && echo still there"
    user = f'trap "sleep 0.5; {still}; exit" TERM; while :; do sleep 0.1; done'
    service = "echo $$ > /tmp/rz-service-$PPID; exec sleep 4000"
    tree = start({"service": ["sh", "-c", service], "user": ["sh", "-c", user]})
    try:
        tree.part("4000")
        tree.part(user)
        tree.process.terminate()
        assert tree.process.wait(15) == 0
    finally:
        Path(f"/tmp/rz-service-{tree.process.pid}").unlink(missing_ok=True)
    assert "user    | still there" in tree.text()


def test_it_kills_what_does_not_end(start: Start) -> None:
    tree = start({"deaf": ["sh", "-c", 'trap "" TERM; while :; do sleep 0.1; done']})
    deaf = tree.part("sh")
    time.sleep(0.3)  # until the trap is set
    tree.process.terminate()
    assert tree.process.wait(20) == 0
    assert gone([deaf])
    assert "deaf did not end within 3 s; it is killed" in tree.text()


def test_it_leaves_nothing_when_it_is_killed(start: Start) -> None:
    tree = start({"one": [*SLEEP]})
    part = tree.part("1000")
    os.kill(tree.process.pid, signal.SIGKILL)
    assert gone([part])
