"""Timed runs have their cores: where their boxes run, what the learner is told while they wait, and for how long."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import threading
import time

import psutil
import pytest

import grader
from grader import ProgressEvent
from grader.cores import BACK, SHARED, TAKEN, WAITING, OnCores, own_cores
from grader.errors import InfraError
from sandbox import BoxSpec, open_backend
from sandbox.boxd.private import boxd_at_hand
from tests.fixtures.exercises import fixture_exercise, judged_by, log_of

CORES = sorted(os.sched_getaffinity(0))
several = pytest.mark.skipif(len(CORES) < 2, reason="a machine with one core has no other to keep off")
WHERE = "import os\n\ndef where():\n    return sorted(os.sched_getaffinity(0))\n"
JUDGE = """
import os

def judge(bench):
    bench.log(str(bench.candidate().call("where")))
    bench.log(str(bench.reference("other").call("where")))
    bench.log(str(sorted(os.sched_getaffinity(0))))
"""


class Given:
    """A lease as a backend gives it."""

    def __init__(self, cores):
        self.cores = tuple(cores)
        self.gpus = ()
        self.released = False

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.released = True


class Machine:
    """A backend of some cores, which come free with the `free_at`th time of asking."""

    name = "fake"

    def __init__(self, cores, free_at=1):
        self.cores = cores
        self.free_at = free_at
        self.asked = []
        self.specs = []
        self.given = None

    def lease(self, *, cores=0, gpus=0, wait_s=None):
        if cores > len(self.cores):
            raise ValueError(f"a lease of {cores} cores can never be had")
        self.asked.append(wait_s)
        if len(self.asked) < self.free_at:
            raise TimeoutError(f"no core came free within {wait_s:g} s")
        self.given = Given(self.cores[:cores])
        return self.given

    def prepare(self, spec, *, pod=None):
        self.specs.append(spec)


def timed(exercise, *, timed=True):
    return dataclasses.replace(exercise, manifest=exercise.manifest.model_copy(update={"timed": timed}))


@pytest.mark.parametrize(
    ("protocol", "machine", "programs", "load", "said"),
    [
        ("call", (3, 5), (3,), (3,), []),
        ("serve", (3, 5), (3,), (5,), []),
        ("serve", (3,), (3,), (3,), [SHARED]),
    ],
)
def test_a_server_and_its_load_have_a_core_each_where_there_are_two(protocol, machine, programs, load, said):
    events = []
    backend = Machine(machine)
    with own_cores(backend, protocol, events.append) as cores:
        assert (cores.programs, cores.load) == (programs, load)
        assert not backend.given.released
    assert backend.given.released
    assert [event.text for event in events] == said


def test_a_core_that_is_free_is_nothing_to_tell():
    events = []
    with own_cores(Machine((0, 1)), "call", events.append):
        pass
    assert events == []


def test_a_wait_is_told():
    events = []
    with own_cores(Machine((0, 1), free_at=2), "call", events.append):
        pass
    assert events == [ProgressEvent(text=WAITING, done=None)]


def test_a_wait_past_the_limit_is_our_fault():
    backend = Machine((0, 1), free_at=3)
    with pytest.raises(InfraError, match="a timed run needs a core for itself"), own_cores(backend, "call", print):
        raise AssertionError("it has no core")
    assert backend.asked[-1] == 900.0


def test_every_box_goes_to_the_runs_cores_but_one_that_names_its_own():
    machine = Machine((0, 1, 2))
    backend = OnCores(machine, (2,))
    backend.prepare(BoxSpec())
    backend.prepare(BoxSpec(cpus=(1,)))
    assert [spec.cpus for spec in machine.specs] == [(2,), (1,)]


def graded(exercise, tier="cpu", **options):
    return log_of(lambda keep: grader.grade(exercise, {"main.py": WHERE.encode()}, tier=tier, on_event=keep, **options))


def seen(folder, *, is_timed: bool, tier: str = "cpu") -> list[str]:
    """Where candidate, reference and judge ran."""
    exercise = timed(judged_by(JUDGE, folder), timed=is_timed)
    (folder / "reference" / "other").mkdir(parents=True)
    (folder / "reference" / "other" / "main.py").write_text(WHERE)
    with boxd_at_hand():
        lines = graded(exercise, tier)
    return [line.removeprefix("judge: ") for line in lines if line.startswith("judge: [")]


@several
@pytest.mark.box
@pytest.mark.lab
def test_a_timed_run_has_its_boxes_on_one_core_and_its_judge_on_others(tmp_path):
    candidate, reference, judge = seen(tmp_path, is_timed=True)
    own = CORES[-1]  # leases are given from the top
    assert candidate == reference == str([own])
    assert judge == str(CORES[:-1])


@several
@pytest.mark.box
@pytest.mark.lab
@pytest.mark.parametrize(("is_timed", "tier"), [(False, "cpu"), (True, "smoke")])
def test_other_runs_share_all_cores(tmp_path, is_timed, tier):
    assert seen(tmp_path, is_timed=is_timed, tier=tier) == [str(CORES)] * 3


@several
@pytest.mark.box
@pytest.mark.lab
def test_waiting_for_a_core_is_told_and_takes_nothing_of_the_judges_time(tmp_path):
    exercise = timed(judged_by("def judge(bench):\n    bench.log('measured')\n", tmp_path, judge_wall_s=2.0))
    events = []
    with boxd_at_hand():
        lease = open_backend().lease(cores=len(CORES), wait_s=30)
        threading.Timer(6.0, lease.release).start()
        began = time.monotonic()
        grader.grade(exercise, {"main.py": b""}, tier="cpu", on_event=events.append)
    assert time.monotonic() - began > 6.0
    assert [event.text for event in events] == [WAITING, "measured"]


@pytest.mark.box
@pytest.mark.lab
def test_a_timed_judge_that_hangs_once_it_has_its_core_is_stopped(tmp_path, caplog):
    caplog.set_level(logging.ERROR)
    exercise = timed(judged_by("def judge(bench):\n    while True: pass\n", tmp_path, judge_wall_s=2.0))
    began = time.monotonic()
    report = grader.grade(exercise, {"main.py": b""}, tier="cpu")
    assert report.verdict == "infra_error"
    assert "did not end within 2 seconds" in caplog.text
    assert time.monotonic() - began < 30


class Watcher(threading.Thread):
    """Notes on which cores the server and the load generator run, as the machine sees them."""

    def __init__(self):
        super().__init__(daemon=True)
        self.over = threading.Event()
        self.cores = {"server.py": set(), "grader.load.generator": set()}

    def run(self):
        while not self.over.wait(0.05):
            for process in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    self.note(process)

    def note(self, process: psutil.Process):
        words = process.cmdline()
        for name, cores in self.cores.items():
            if any(word.endswith(name) for word in words) and words[0].endswith("python"):
                cores.add(tuple(process.cpu_affinity()))


@pytest.mark.box
@pytest.mark.lab
def test_a_timed_server_is_loaded_from_another_core():
    exercise = timed(fixture_exercise("responder"))
    lines: list[str] = []
    watcher = Watcher()
    watcher.start()
    with boxd_at_hand():
        report = grader.grade(
            exercise,
            {"server.py": exercise.solution["server.py"].encode()},
            tier="cpu",
            on_event=lambda event: lines.append(getattr(event, "text", "")),
        )
    watcher.over.set()
    watcher.join()
    assert report.verdict == "passed", report.message
    if len(CORES) == 1:
        assert SHARED in lines
        return
    assert SHARED not in lines
    *_, server, load = [(core,) for core in CORES]
    assert watcher.cores["server.py"] >= {server}
    assert watcher.cores["grader.load.generator"] >= {load}
    # What starts a box may show up on all cores for a moment; on the other's core neither ever is alone.
    assert load not in watcher.cores["server.py"]
    assert server not in watcher.cores["grader.load.generator"]


@pytest.mark.box
@pytest.mark.lab
@pytest.mark.parametrize("many", ["all", "none"])
def test_a_quick_run_says_that_it_waits_for_the_cores_of_a_timed_one(many):
    """Every core is leased, as for a server and its load on two cores; the control finds them free."""
    exercise = fixture_exercise("arithmetic")
    files = {name: exercise.solution[name].encode() for name in exercise.manifest.files.editable}
    texts = []
    with boxd_at_hand(), contextlib.ExitStack() as held:

        def keep(event):
            texts.append(getattr(event, "text", ""))
            if texts[-1] == TAKEN:
                held.close()

        if many == "all":
            held.enter_context(open_backend().lease(cores=len(CORES), wait_s=30))
        assert grader.grade(exercise, files, tier="smoke", on_event=keep).verdict == "passed"
    assert [text for text in texts if text in (TAKEN, BACK)] == ([TAKEN, BACK] if many == "all" else [])
