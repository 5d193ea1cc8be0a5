"""A box that is a copy of a template: its first process, and what that says of the learner's."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Callable, Sequence

from sandbox.vessel import Ending
from sandbox.warm.inside.copies import ENDED, FAILED, STANDS

_GONE_S = 2.0
_SIGNAL_BASE = 128
_LONGEST_SAID = 8192


class CopyVessel:
    """Owns the pidfd of the box's first process and its status pipe. `on_end` is called once, at the end."""

    outer_pid: int | None = None
    shares_kernel = True

    def __init__(self, pidfd: int, pid: int, status_fd: int, on_end: Callable[[], None]) -> None:
        self.name = f"warm-{pid}"
        # None while the copy still has its template's root, which whoever looks would take for the box's.
        self.init_pid: int | None = None
        self._pid = pid
        self._pidfd = pidfd
        self._status_fd = status_fd
        self._status_open = True
        self._said = b""
        self._on_end = on_end

    def watched(self) -> Sequence[int]:
        return [self._pidfd, self._status_fd] if self._status_open else [self._pidfd]

    def look(self, ready: set[int]) -> bool:
        if self._status_fd in ready:
            self._read()
        return self._pidfd in ready

    def kill(self) -> None:
        """Its descriptor becomes readable only when its whole pid namespace is dead."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        poller = select.poll()
        poller.register(self._pidfd, select.POLLIN)
        poller.poll(_GONE_S * 1000)
        while self._status_open:
            self._read()

    def ending(self) -> Ending:
        said = self._said.removeprefix(STANDS)
        kind, text = said[:1], said[1:].decode(errors="replace")
        if kind == FAILED:
            return Ending(error=f"the box could not be set up: {text.partition(chr(10))[0]}")
        if kind != ENDED:
            return Ending(error="the box's first process ended without a word")
        return _ending(int(text))

    def close(self) -> None:
        os.close(self._pidfd)
        os.close(self._status_fd)
        self._on_end()

    def _read(self) -> None:
        chunk = os.read(self._status_fd, _LONGEST_SAID)
        self._status_open = bool(chunk)
        self._said += chunk
        if self._said.startswith(STANDS):
            self.init_pid = self._pid


def _ending(code: int) -> Ending:
    """As bubblewrap folds the two: 128 + N is signal N."""
    if code < 0:
        return Ending(signal=-code)
    return Ending(signal=code - _SIGNAL_BASE) if code > _SIGNAL_BASE else Ending(code=code)
