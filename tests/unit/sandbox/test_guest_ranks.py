"""The parts of the guest that look after ranks: marked prints, idleness, positions, names of collectives."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator

import pytest

from sandbox.guest import idleness, ranks
from sandbox.guest.collectives import name_of, position
from sandbox.guest.idleness import Idleness, Reading
from sandbox.guest.positions import OPS, Position, parse, same_place
from sandbox.guest.pumps import Pump
from sandbox.guest.ranks import Rank, free_port, gpu_environment
from sandbox.guest.supervisor import Supervisor

HERE = Position(op="all_reduce", waits=True, number=3, group=0, count=3, since_s=7, file="main.py", line=12)


class Pipes:
    """A pump between two pipes."""

    def __init__(self) -> None:
        from_rank, self.rank = os.pipe()
        self.out, to = os.pipe()
        os.set_blocking(self.out, False)
        self.pump = Pump(from_rank, to, b"[rank 1] ")
        self.fds = [from_rank, self.out, to]

    def passed_on(self) -> bytes:
        try:
            return os.read(self.out, 1 << 20)
        except BlockingIOError:
            return b""


@pytest.fixture
def pipes() -> Iterator[Pipes]:
    both = Pipes()
    yield both
    for fd in both.fds:
        os.close(fd)


def test_each_line_is_marked_once_it_is_whole(pipes):
    for text in (b"one\ntw", b"o\n\nthr"):
        os.write(pipes.rank, text)
        assert pipes.pump.pump()
    assert pipes.passed_on() == b"[rank 1] one\n[rank 1] two\n[rank 1] \n"
    os.close(pipes.rank)
    assert not pipes.pump.pump()
    pipes.pump.drain()
    assert pipes.passed_on() == b"[rank 1] thr\n"


def test_a_line_without_end_is_cut(pipes):
    os.write(pipes.rank, b"x" * 20_000)
    pipes.pump.pump()
    assert pipes.passed_on() == b"[rank 1] " + b"x" * 20_000 + b"\n"
    os.close(pipes.rank)


def test_draining_waits_for_nobody(pipes):
    os.write(pipes.rank, b"last")
    pipes.pump.drain()
    assert pipes.passed_on() == b"[rank 1] last\n"
    os.close(pipes.rank)


@pytest.fixture
def sample(monkeypatch):
    """An Idleness over readings and a clock of the test's: takes (seconds later, CPU seconds, pids, working)."""
    now = 100.0
    reading = Reading(cpu_s=1.0, pids=frozenset({7}), working=False)
    monkeypatch.setattr(idleness, "read", lambda: reading)
    monkeypatch.setattr(idleness.time, "monotonic", lambda: now)
    idle = Idleness(1.0)

    def take(later: float, cpu_s: float, *, pids: frozenset[int] = frozenset({7}), working: bool = False) -> float:
        nonlocal now, reading
        now += later
        reading = Reading(cpu_s=cpu_s, pids=pids, working=working)
        return idle.sample()

    return take


def test_idleness_adds_up_and_ends_with_work(sample):
    assert sample(1, 1.0) == 1
    assert sample(1, 1.03) == 2  # a poll now and then is no work
    assert sample(1, 1.5) == 0
    assert sample(1, 1.5) == 1


@pytest.mark.parametrize(
    "work", [{"pids": frozenset({7, 8})}, {"working": True}, {"pids": frozenset()}], ids=["new", "runnable", "ended"]
)
def test_it_is_work_too_when_a_process_is(work, sample):
    assert sample(1, 1.0) == 1
    assert sample(1, 1.0, **work) == 0


def test_time_in_which_the_box_was_frozen_is_no_idleness(sample):
    assert sample(1, 1.0) == 1
    assert sample(500, 1.0) == 3


def test_it_reads_the_cpu_time_of_others():
    child = os.fork()
    if child == 0:
        while True:
            pass
    try:
        readings = [idleness.read()]
        while readings[-1].cpu_s - readings[0].cpu_s < 0.1 or not readings[-1].working:
            readings.append(idleness.read())
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert child in readings[-1].pids
    assert os.getpid() not in readings[-1].pids


def test_a_position_is_taken_as_it_is():
    assert parse(dict(HERE)) == HERE
    assert parse({**HERE, "op": None, "file": None}) is not None


@pytest.mark.parametrize(
    "change",
    [{"op": "you passed"}, {"op": 1}, {"number": -1}, {"number": 1.0}, {"number": True}, {"number": 10**13},
     {"waits": 1}, {"file": "../main.py"}, {"file": "/etc/passwd"}, {"file": "a b"}, {"file": "x" * 201},
     {"file": "main.py\n"}, {"line": "12"}, {"since_s": None}, {"more": 1}],
    ids=str,
)  # fmt: skip
def test_a_position_of_another_form_is_none(change):
    assert parse({**HERE, **change}) is None


@pytest.mark.parametrize("value", [None, [], "x", 3, {}, {"op": None}])
def test_anything_else_is_no_position(value):
    assert parse(value) is None


def test_only_time_passes_at_the_same_place():
    assert same_place(HERE, Position(**{**HERE, "since_s": 9}))
    assert not same_place(HERE, Position(**{**HERE, "count": 4}))
    assert same_place(None, None)
    assert not same_place(HERE, None)


@pytest.mark.parametrize(
    ("torch_name", "op"),
    [("gloo:all_reduce", "all_reduce"), ("nccl:_all_gather_base", "all_gather"), ("nccl:send 0->1", "send"),
     ("nccl:ALLGATHER_coalesced", "all_gather"), ("gloo:recvAnySource", "recv"), ("gloo:reduce", "reduce"),
     ("nccl:_reduce_scatter_base", "reduce_scatter"), ("nccl:all_reduce_barrier", "all_reduce"),
     ("nccl:allreduce_coalesced", "all_reduce"), ("nccl:all_to_all_v_single", "all_to_all"),
     ("nccl:new_window", "collective"), ("nonsense", "collective")],
)  # fmt: skip
def test_torchs_names_become_plain_ones(torch_name, op):
    assert op in OPS
    assert name_of(torch_name) == op


def test_a_process_without_torch_is_in_no_collective():
    assert "torch" not in sys.modules
    here = position(sys._getframe())
    assert (here["op"], here["waits"], here["count"]) == (None, False, 0)
    assert parse(here) == here


def test_a_port_is_free():
    assert free_port() > 1023


def test_nccl_is_told_of_the_loopback_where_there_is_a_gpu(monkeypatch, tmp_path):
    monkeypatch.setattr(ranks, "_NVIDIA", str(tmp_path))
    assert gpu_environment()["NCCL_SOCKET_IFNAME"] == "lo"
    monkeypatch.setattr(ranks, "_NVIDIA", str(tmp_path / "none"))
    assert gpu_environment() == {}


def start(*ways: str) -> list[Rank]:
    """Processes that end, or do not, in the way that the letter stands for."""
    started = []
    for number, way in enumerate(ways):
        pid = os.fork()
        if pid == 0:
            if way == "stay":
                signal.pause()
            os._exit(int(way))
        started.append(Rank(number=number, pid=pid))
    return started


def test_all_end_well():
    assert Supervisor(start("0", "0"), 60).wait().codes == [0, 0]


def test_the_first_failure_ends_the_others():
    end = Supervisor(start("stay", "3", "stay"), 60).wait()
    assert (end.codes, end.positions) == ([None, 3, None], None)
