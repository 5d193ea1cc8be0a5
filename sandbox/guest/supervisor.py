"""Waits for the ranks: passes their prints on, ends them all when one fails, and notices when none of them moves."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.guest.idleness import Idleness
from sandbox.guest.positions import Position, parse, same_place
from sandbox.guest.ranks import Rank

_MAX_REPORT = 4096
_MAX_UNASKED = 1000
_ANSWER_S = 2.0
_SAMPLES = 4  # in a time of hanging


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """`codes`: by rank, None for one that we ended. `positions`: by rank, only when they hung."""

    codes: list[int | None]
    positions: list[Position | None] | None = None


class Supervisor:
    """Of ranks that were just started. Uses SIGCHLD; from the main thread only."""

    def __init__(self, ranks: Sequence[Rank], hang_s: float) -> None:
        self._ranks = ranks
        self._hang_s = hang_s
        self._interval_s = min(1.0, hang_s / _SAMPLES)
        self._idleness = Idleness(self._interval_s)
        self._halfway: list[Position | None] | None = None
        self._poller = select.poll()
        self._pumps = {pump.fd: pump for rank in ranks for pump in rank.pumps}
        for fd in self._pumps:
            self._poller.register(fd, select.POLLIN)
        self._wake_r, self._wake_w = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._poller.register(self._wake_r, select.POLLIN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake_w, warn_on_full_buffer=False)

    def wait(self) -> End:
        """Block until all have ended. No rank runs afterwards, nor is any print lost that it made."""
        try:
            positions = self._until_over()
        finally:
            self._end_all()
        return End(codes=[rank.code for rank in self._ranks], positions=positions)

    def _until_over(self) -> list[Position | None] | None:
        """The positions of ranks that hang; None when they ended or one failed."""
        sample_at = time.monotonic() + self._interval_s
        while True:
            self._reap()
            codes = [rank.code for rank in self._ranks]
            if any(codes) or None not in codes:
                return None
            self._wait_for_events(sample_at - time.monotonic())
            if time.monotonic() >= sample_at:
                sample_at = time.monotonic() + self._interval_s
                if positions := self._hung():
                    return positions

    def _reap(self) -> None:
        for rank in self._ranks:
            if rank.code is None:
                pid, status = os.waitpid(rank.pid, os.WNOHANG)
                rank.code = os.waitstatus_to_exitcode(status) if pid else None

    def _wait_for_events(self, timeout_s: float) -> None:
        for fd, _ in self._poller.poll(max(timeout_s, 0.0) * 1000):
            if fd == self._wake_r:
                os.read(fd, _MAX_REPORT)
            elif not self._pumps[fd].pump():
                self._poller.unregister(fd)

    def _hung(self) -> list[Position | None] | None:
        """Where all stand, if for `hang_s` nothing used the CPU and nobody got further.

        A rank that is alone waits for nobody: the box's time limit is enough.
        """
        idle_s = self._idleness.sample()
        if len(self._ranks) == 1 or idle_s < self._hang_s / 2:
            self._halfway = None
            return None
        if self._halfway is None:
            self._halfway = self._ask_all()
            return None
        if idle_s < self._hang_s:
            return None
        before, self._halfway = self._halfway, None
        now = self._ask_all()
        if all(same_place(one, other) for one, other in zip(before, now, strict=True)):
            return now
        self._idleness.restart()
        return None

    def _ask_all(self) -> list[Position | None]:
        ears = [rank.ask if rank.code is None else None for rank in self._ranks]
        for ear in ears:
            if ear is not None:
                _ask(ear)
        deadline = time.monotonic() + _ANSWER_S
        return [None if ear is None else _answer(ear, deadline) for ear in ears]

    def _end_all(self) -> None:
        for rank in self._ranks:
            if rank.code is None:
                os.kill(rank.pid, signal.SIGKILL)
                os.waitpid(rank.pid, 0)
        for pump in self._pumps.values():
            pump.drain()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for fd in (self._wake_r, self._wake_w):
            os.close(fd)
        for rank in self._ranks:
            rank.close()


def _ask(ear: socket.socket) -> None:
    with contextlib.suppress(OSError):  # nothing more that was said unasked
        for _ in range(_MAX_UNASKED):
            ear.recv(_MAX_REPORT)
    with contextlib.suppress(OSError):  # it closed its end: it will not answer; and that must not be our end
        ear.send(b"?", socket.MSG_NOSIGNAL)


def _answer(ear: socket.socket, deadline: float) -> Position | None:
    """What a rank says of itself, if it is one position and comes in time."""
    readable, _, _ = select.select([ear], [], [], max(deadline - time.monotonic(), 0.0))
    if not readable:
        return None
    try:
        return parse(json.loads(ear.recv(_MAX_REPORT)))
    except (OSError, ValueError, RecursionError):
        return None
