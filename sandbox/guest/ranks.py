"""Starts the learner's program once per rank, each in a process of its own.

Cold, a rank is a new interpreter. Where this process has torch imported already (a warm box), a rank is forked from
it and imports nothing again. A forked rank has a copy of this process's memory, the request's nonce with it: that
does no harm, for the host takes one answer per nonce and only from the channel, which no rank has: descriptor 3 is
closed in it, and this process is not dumpable, so its own is out of reach.
"""

from __future__ import annotations

import ctypes
import gc
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from sandbox.guest import collectives, program
from sandbox.guest.collectives import WATCH_FD
from sandbox.guest.pumps import Pump

WORK = "/work"
_PR_SET_DUMPABLE = 4
_NO_START = 70
_BOOTSTRAP = str(Path(__file__).with_name("rank.py"))
_NVIDIA = "/dev/nvidiactl"


@dataclass(slots=True, kw_only=True)
class Rank:
    """A started rank. `code`: how it ended by itself, negative for a signal. `ask` is None for a rank that is alone."""

    number: int
    pid: int
    ask: socket.socket | None = None
    pumps: list[Pump] = field(default_factory=list)
    code: int | None = None

    def close(self) -> None:
        if self.ask is not None:
            self.ask.close()
        for pump in self.pumps:
            os.close(pump.fd)


def start_ranks(entry: str, argv: Sequence[str], ranks: int) -> list[Rank]:
    """Start them all. A rank that is alone writes straight to our stdout and stderr; of several, lines are marked."""
    port = free_port()
    gc.freeze()  # what ranks share with us stays shared: their collector leaves it alone
    program_of = _Program(entry=entry, argv=argv, forked=can_fork())
    if ranks == 1:
        return [Rank(number=0, pid=_start(program_of, rank_environment(0, 1, port), {}))]
    return [_start_one_of_many(program_of, number, rank_environment(number, ranks, port)) for number in range(ranks)]


def rank_environment(rank: int, ranks: int, port: int) -> dict[str, str]:
    """What torch.distributed reads, as torchrun sets it, beside the box's own environment.

    Which GPU a rank takes is the program's to say (LOCAL_RANK), as under torchrun.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if ranks == 1:
        return environment
    return environment | {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(ranks),
        "LOCAL_WORLD_SIZE": str(ranks),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "GLOO_SOCKET_IFNAME": "lo",
        **collectives.RECORDER,
        **gpu_environment(),
    }


def gpu_environment() -> dict[str, str]:
    """What NCCL needs in a box without a network: it would not take the loopback by itself. Not run on GPUs yet."""
    return {"NCCL_SOCKET_IFNAME": "lo", "NCCL_IB_DISABLE": "1"} if Path(_NVIDIA).exists() else {}


def free_port() -> int:
    """One that nobody listens on; in a pod other boxes share the loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def can_fork() -> bool:
    """Whether ranks can share what is imported here. A second thread would be missing in them, its locks held."""
    if "torch" not in sys.modules:
        return False
    threads = len(os.listdir("/proc/self/task"))
    if threads > 1:
        print(f"The program starts cold: {threads} threads run where torch was imported ahead.", file=sys.stderr)
    return threads == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Program:
    entry: str
    argv: Sequence[str]
    forked: bool


def _start_one_of_many(what: _Program, number: int, environment: Mapping[str, str]) -> Rank:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    out_r, out_w = os.pipe()
    err_r, err_w = os.pipe()
    pid = _start(what, environment, {1: out_w, 2: err_w, WATCH_FD: theirs.detach()})
    mark = f"[rank {number}] ".encode()
    return Rank(number=number, pid=pid, ask=ours, pumps=[Pump(out_r, 1, mark), Pump(err_r, 2, mark)])


def _start(what: _Program, environment: Mapping[str, str], fds: Mapping[int, int]) -> int:
    """Fork; `fds`: which descriptors of ours (closed here) the rank gets, by the number it gets them under."""
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        try:
            _become_rank(what, environment, fds)
        finally:
            os._exit(_NO_START)
    for fd in fds.values():
        os.close(fd)
    return pid


def _become_rank(what: _Program, environment: Mapping[str, str], fds: Mapping[int, int]) -> NoReturn:
    _take_descriptors(fds)
    os.chdir(WORK)
    program.become_fresh(environment)
    if not what.forked:
        start = [_BOOTSTRAP] if fds else []
        os.execve(sys.executable, [sys.executable, "-u", *start, what.entry, *what.argv], dict(environment))
    # As for any program: without this a rank could not open its own /proc/self/fd, nor /dev/stdout.
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)
    if fds:
        collectives.watch()
    program.leave(program.run(what.entry, what.argv))


def _take_descriptors(fds: Mapping[int, int]) -> None:
    """Exactly these, and /dev/null to read from. Above all not the control channel."""
    # Moved away first: a target may be another one's source.
    moved = {target: os.dup(os.dup(fd)) for target, fd in fds.items()}
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, 0)
    for target, fd in moved.items():
        os.dup2(fd, target)
    os.closerange(max([2, *fds]) + 1, os.sysconf("SC_OPEN_MAX"))
