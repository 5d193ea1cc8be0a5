"""Warm boxes through boxd: the wish arrives, the status tells, a lease moves them too, nothing outlives boxd."""

from __future__ import annotations

import os
import signal

import pytest

from sandbox import BoxSpec
from sandbox.interpreter import interpreter_mounts, lab_dir
from sandbox.proctree import descendants
from tests.boxd_process import CORES, Running, soon

pytestmark = [pytest.mark.box, pytest.mark.lab]
TOLD = "import sys; print('numpy' in sys.modules, flush=True)"
READY_S = 60.0


def say(boxd: Running, code: str, **values) -> str:
    spec = BoxSpec(mounts=interpreter_mounts(lab_dir()), warm="science", wall_s=60, **values)
    process = boxd.backend().prepare(spec).start([str(lab_dir() / "bin" / "python"), "-c", code])
    said = process.stdout.read().decode().strip()
    process.close()
    return said


def templates(boxd: Running) -> list[dict]:
    return boxd.status()["warm"]["bubblewrap"]["templates"]


@pytest.fixture
def warmed(boxd) -> Running:
    if boxd.backend().check()[0].how.startswith("a watchdog"):
        pytest.skip("warm boxes need a cgroup, and this machine gives none")
    assert templates(boxd) == []
    assert say(boxd, TOLD) == "False"  # cold: the wish was heard for the first time
    assert soon(lambda: bool(templates(boxd)), READY_S), boxd.status()
    return boxd


def test_a_wish_is_met_from_the_second_time_on(warmed):
    assert say(warmed, TOLD) == "True"
    (template,) = templates(warmed)
    assert template["stack"] == "science"
    with warmed.backend().lease(cores=1) as lease:
        told = say(warmed, "import os; print(*os.sched_getaffinity(0))")
        free = [core for core in CORES if core not in lease.cores]
        assert told == " ".join(map(str, free)) or not free
        assert say(warmed, "import os; print(*os.sched_getaffinity(0))", cpus=lease.cores) == str(lease.cores[0])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_template_outlives_boxd(warmed, number):
    family = [pid for pid in descendants(warmed.process.pid) if pid != warmed.process.pid]
    assert len(family) >= 2  # the template, and what keeps it
    warmed.process.send_signal(number)
    warmed.process.wait(20)
    assert soon(lambda: not [pid for pid in family if is_alive(pid)], 3)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
