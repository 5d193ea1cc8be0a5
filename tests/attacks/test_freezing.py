"""A frozen box does nothing at all, can be thawed and can be ended: by cgroup, and by signals where there is none."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator

import pytest

from sandbox import BoxSpec
from sandbox.bubblewrap import BubblewrapBackend
from sandbox.interpreter import running_interpreter_mounts

pytestmark = [pytest.mark.box, pytest.mark.usefixtures("nothing_left")]
FROZEN_S = 0.3
MOST_CPU_S = 0.005

# Two processes of two threads each, all busy.
BURN = """
import os, threading
def burn():
    while True: pass
os.fork()
threading.Thread(target=burn, daemon=True).start()
os.write(1, b"x")
burn()
"""
# Wakes itself by a timer of its own: SIGCONT from the kernel, though no process of it runs.
INSOMNIAC = """
import ctypes, os, signal
libc = ctypes.CDLL(None)
class Event(ctypes.Structure):
    _fields_ = [("value", ctypes.c_void_p), ("ints", ctypes.c_int * 14)]
event, timer = Event(None, (ctypes.c_int * 14)(signal.SIGCONT)), ctypes.c_void_p()
assert libc.timer_create(1, ctypes.byref(event), ctypes.byref(timer)) == 0
every = (ctypes.c_long * 4)(0, 10_000_000, 0, 10_000_000)
assert libc.timer_settime(timer, 0, every, None) == 0
os.write(1, b"xx")
while True: pass
"""
# A parent that waits in the kernel until its child ends or becomes another program, as every shell's does for a moment.
VFORKED = """
import ctypes, os, time
libc = ctypes.PyDLL(None)
CLONE_VFORK, SIGCHLD, SYS_CLONE = 0x4000, 17, 56
if libc.syscall(SYS_CLONE, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0) == 0:
    os.write(1, b"xx")
    while True: pass
"""


class Burning:
    """A box that burns as much CPU as it gets, and what it burned."""

    def __init__(self, backend: BubblewrapBackend, code: str = BURN) -> None:
        spec = BoxSpec(mounts=running_interpreter_mounts(), wall_s=60)
        self.box = backend.prepare(spec)
        self.process = self.box.start([sys.executable, "-c", code])
        said = b""
        while len(said) < 2:
            said += self.process.stdout.read(2)

    def burned_in(self, seconds: float) -> float:
        before = self.box.usage().cpu_s
        time.sleep(seconds)
        return self.box.usage().cpu_s - before


@pytest.fixture
def burning(any_backend) -> Iterator[Burning]:
    burning = Burning(any_backend)
    yield burning
    burning.process.close()


def test_a_frozen_box_burns_nothing_and_goes_on_when_thawed(burning):
    assert burning.burned_in(FROZEN_S) > 0.03  # the control: it burns
    burning.box.freeze()
    assert burning.burned_in(FROZEN_S) < MOST_CPU_S
    burning.box.freeze()  # again is fine
    burning.box.thaw()
    assert burning.burned_in(FROZEN_S) > 0.03


def test_a_parent_that_waits_for_a_vfork_is_frozen_as_well(any_backend):
    waiting = Burning(any_backend, VFORKED)
    try:
        waiting.box.freeze()
        assert waiting.burned_in(FROZEN_S) < MOST_CPU_S
        waiting.box.thaw()
        assert waiting.burned_in(FROZEN_S) > 0.03
    finally:
        waiting.process.close()


def test_a_frozen_box_can_be_killed(burning):
    burning.box.freeze()
    started = time.monotonic()
    burning.box.kill()
    assert time.monotonic() - started < 2
    assert burning.process.wait().status == "killed"
    burning.box.freeze()  # of a box that has ended: nothing happens
    burning.box.thaw()


def test_frozen_time_is_wall_time(any_backend):
    box = any_backend.prepare(BoxSpec(wall_s=1))
    process = box.start(["/bin/sleep", "60"])
    box.freeze()
    assert process.wait().status == "wall_limit"
    process.close()


def test_a_box_frozen_at_its_start_does_not_start(any_backend):
    box = any_backend.prepare(BoxSpec())
    process = box.start(["/bin/sh", "-c", "sleep 0.4; echo awake"])
    box.freeze()
    os.set_blocking(process.stdout.fileno(), False)
    time.sleep(0.8)
    assert process.stdout.read() is None
    box.thaw()
    assert process.wait().exit_code == 0
    assert process.stdout.read() == b"awake\n"
    process.close()


def test_a_timer_does_not_thaw_it(backend):
    """What a cgroup holds, no signal wakes. (Without one, it runs until the next look.)"""
    if "cgroup" not in backend.keeper.freezes_by:
        pytest.skip("NOT RUN: no cgroup of this machine freezes")
    insomniac = Burning(backend, INSOMNIAC)
    insomniac.box.freeze()
    assert insomniac.burned_in(FROZEN_S) < MOST_CPU_S
    insomniac.process.close()


def test_a_timer_is_stopped_again_without_a_cgroup():
    insomniac = Burning(BubblewrapBackend.open("proc"), INSOMNIAC)
    awake = insomniac.burned_in(1)
    insomniac.box.freeze()
    assert insomniac.burned_in(1) < 0.9 * awake
    insomniac.process.close()


def test_a_program_that_stopped_itself_stays_so(any_backend):
    box = any_backend.prepare(BoxSpec(wall_s=30))
    process = box.start(["/bin/sh", "-c", "echo up; kill -STOP $$; echo awake"])
    assert process.stdout.read(3) == b"up\n"
    time.sleep(0.2)
    box.freeze()
    box.thaw()
    os.set_blocking(process.stdout.fileno(), False)
    time.sleep(0.3)
    assert process.stdout.read() is None
    process.close()
