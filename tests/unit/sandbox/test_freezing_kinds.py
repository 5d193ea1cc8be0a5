"""Each way to freeze, against a tree of plain files or processes of our own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import freezing
from sandbox.cgroup_kinds import V1, V2
from sandbox.errors import BoxStartError
from sandbox.freezing import GroupFreezer, StopFreezer, can_run


@pytest.fixture
def sleepers() -> Iterator[list[subprocess.Popen[bytes]]]:
    started = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    yield started
    for process in started:
        process.kill()
        process.wait()


def test_v2_freezes_and_waits_until_the_kernel_says_so(tmp_path):
    (tmp_path / "cgroup.freeze").write_text("0")
    (tmp_path / "cgroup.events").write_text("populated 1\nfrozen 0\n")
    freezer = V2().freezer([tmp_path])
    assert isinstance(freezer, GroupFreezer)
    later = threading.Timer(0.1, (tmp_path / "cgroup.events").write_text, ["populated 1\nfrozen 1\n"])
    started = time.monotonic()
    later.start()
    freezer.freeze()
    assert time.monotonic() - started >= 0.1
    assert (tmp_path / "cgroup.freeze").read_text() == "1"
    freezer.thaw()
    assert (tmp_path / "cgroup.freeze").read_text() == "0"
    later.join()


def test_what_does_not_freeze_is_thawed_again_and_told(tmp_path, monkeypatch):
    monkeypatch.setattr(freezing, "FREEZE_S", 0.1)
    (tmp_path / "cgroup.freeze").write_text("0")
    (tmp_path / "cgroup.events").write_text("populated 1\nfrozen 0\n")
    with pytest.raises(BoxStartError, match="not frozen within"):
        GroupFreezer.v2(tmp_path).freeze()
    assert (tmp_path / "cgroup.freeze").read_text() == "0"


def test_v1_uses_the_fourth_hierarchy(tmp_path):
    (tmp_path / "freezer.state").write_text("THAWED")
    freezer = V1().freezer([Path("/m"), Path("/p"), Path("/c"), tmp_path])
    assert freezer is not None
    freezer.freeze()
    assert (tmp_path / "freezer.state").read_text() == "FROZEN"
    freezer.thaw()
    assert (tmp_path / "freezer.state").read_text() == "THAWED"


def test_without_a_freezer_the_kinds_offer_none(tmp_path):
    assert V2().freezer([tmp_path]) is None
    assert V1().freezer([tmp_path, tmp_path, tmp_path]) is None
    assert "SIGSTOP" in V1().freezes_by(3)
    assert "freezer" in V1().freezes_by(4)


def test_v2_kills_as_a_group_where_the_kernel_can(tmp_path):
    assert not V2().kill([tmp_path])
    (tmp_path / "cgroup.kill").write_text("")
    assert V2().kill([tmp_path])
    assert (tmp_path / "cgroup.kill").read_text() == "1"


@pytest.mark.parametrize("kind", [V1(), V2()])
def test_a_refused_fork_is_read_from_pids_events(tmp_path, kind):
    folders = [tmp_path] * (3 if kind.source == "cgroup1" else 1)
    assert kind.look(folders).pids_refused == 0
    (tmp_path / "pids.events").write_text("max 3\n")
    assert kind.look(folders).pids_refused == 3


def test_signals_stop_every_process_and_wake_what_they_stopped(sleepers):
    freezer = StopFreezer(lambda: [process.pid for process in sleepers])
    freezer.freeze()
    assert not any(can_run(process.pid) for process in sleepers)
    os.kill(sleepers[0].pid, signal.SIGCONT)  # by somebody else
    assert soon(lambda: can_run(sleepers[0].pid))

    def held() -> bool:
        freezer.hold()  # one look may meet it where it waits in the kernel, which passes for stopped: the next does not
        return not can_run(sleepers[0].pid)

    assert soon(held)
    freezer.thaw()
    assert soon(lambda: all(can_run(process.pid) for process in sleepers))


def test_signals_leave_alone_who_stopped_before(sleepers):
    os.kill(sleepers[0].pid, signal.SIGSTOP)
    assert soon(lambda: not can_run(sleepers[0].pid))
    freezer = StopFreezer(lambda: [process.pid for process in sleepers])
    freezer.freeze()
    freezer.thaw()
    assert soon(lambda: can_run(sleepers[1].pid))
    assert not can_run(sleepers[0].pid)


def test_who_is_born_during_the_freezing_is_stopped_too(sleepers):
    """A process seen only from the third look on, as one that was forked meanwhile."""
    looks = 0

    def members() -> list[int]:
        nonlocal looks
        looks += 1
        return [process.pid for process in sleepers[: 1 if looks < 3 else 2]]

    StopFreezer(members).freeze()
    assert not any(can_run(process.pid) for process in sleepers)


def test_one_that_has_ended_cannot_run():
    child = subprocess.Popen(["/bin/true"])
    child.wait()
    assert not can_run(child.pid)


def soon(condition, within_s: float = 5.0) -> bool:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True
