"""The judge's hand on the GPU, with time made by hand: the cache, the kernels left running, turns by the wall clock."""

from __future__ import annotations

import os
import time
from types import SimpleNamespace

import pytest

from grader.candidate import Candidate
from grader.errors import InfraError, TimedOut
from grader.gpu.device import TorchScratch
from grader.measures import Interleaving
from grader.report import Usage
from grader.rng import Rng
from grader.turns import take_turns
from tests.fixtures.gpu import Clock, Memory, context_on, device


def test_a_quiet_device_costs_the_turn_nothing():
    clock = Clock()
    assert device(clock).settle() == 0
    assert clock.writes == 3


def test_kernels_that_a_program_left_running_are_waited_for_and_billed():
    clock = Clock()
    quiet = device(clock)
    clock.costs = [4e-3] * 30 + [50e-6] + [4e-3] + [50e-6] * 3
    assert quiet.settle() == pytest.approx(31 * 4e-3 + 50e-6)


def test_a_program_that_never_leaves_the_device_alone_runs_out_of_time():
    clock = Clock()
    busy = device(clock)
    clock.costs = [4e-3] * 10_000
    with pytest.raises(TimedOut, match="still busy 5 seconds after"):
        busy.settle()


def test_the_first_write_which_loads_the_kernel_is_not_taken_for_the_quiet_time():
    clock = Clock(0.5)
    made = device(clock)
    clock.costs = [4e-3, 50e-6, 50e-6, 50e-6]
    assert made.settle() == pytest.approx(4e-3)


def test_every_call_finds_an_empty_cache():
    order: list[str] = []
    spy = SimpleNamespace(flush=lambda: order.append("flush"))
    candidate = Candidate(context_on(SimpleNamespace(name="none"), Memory(), None, spy))
    candidate._session = SimpleNamespace(call=lambda *args: order.append("call"))
    candidate.call("add", 1, 2)
    candidate.call("add", 3, 4)
    assert order == ["flush", "call", "flush", "call"]


def test_pytorch_without_the_device_is_our_fault(monkeypatch):
    missing = SimpleNamespace(__version__="2.13.0+cpu", cuda=SimpleNamespace(is_available=lambda: False))
    monkeypatch.setitem(__import__("sys").modules, "torch", missing)
    for name in ("CUDA_DEVICE_ORDER", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.setenv(name, "")
    with pytest.raises(InfraError, match=r"2\.13\.0\+cpu of the lab cannot use GPU 1"):
        TorchScratch(1)
    assert (os.environ["CUDA_DEVICE_ORDER"], os.environ["CUDA_VISIBLE_DEVICES"]) == ("PCI_BUS_ID", "1")


class Side:
    """A candidate whose calls take `call_s`, and which leaves the device busy for `left_s`."""

    def __init__(self, call_s, left_s=0.0):
        self.asked_s, self._call_s, self._left_s, self._cpu_s = 0.0, call_s, left_s, 0.0
        self.frozen = False

    def ask(self):
        self.asked_s += self._call_s
        self._cpu_s += 1e-3

    def settle(self):
        assert self.frozen, "it could queue more work"
        return self._left_s

    @property
    def usage(self):
        return Usage(wall_s=0, cpu_s=self._cpu_s, peak_memory_bytes=0)

    def load(self): ...

    def freeze(self):
        self.frozen = True

    def thaw(self):
        self.frozen = False


@pytest.mark.parametrize(("clock", "expected"), [("wall", 0.25), ("cpu", None)])
def test_a_turn_by_the_wall_clock_is_its_calls_and_what_they_left_running(clock, expected):
    """What the judge does between calls takes as long for every side: it would draw the ratio towards 1."""
    sides = {"candidate": Side(0.1, left_s=0.05), "baseline": Side(0.3), "repeat": Side(0.3)}

    def turn(candidate, number):
        candidate.ask()
        time.sleep(0.002)  # the judge checks the answer
        candidate.ask()

    rounds = take_turns(Interleaving(Rng.from_seed(1, "x", "gpu"), clock=clock), sides, turn)
    wall = rounds[0].candidate.wall_s
    assert wall == pytest.approx(expected) if expected else 0.002 <= wall < 0.2
