"""One run of bubblewrap: its process outside, its first process inside, and what it says on its status descriptor."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import time
from collections.abc import Sequence

from sandbox.monitor import GONE_S
from sandbox.vessel import Ending

_SIGNAL_BASE = 128  # bubblewrap reports death by signal N as exit status 128 + N


class BwrapVessel:
    """Owns the outer process, by its descriptor, and the status pipe. The spawner reaps both processes."""

    shares_kernel = True

    def __init__(self, pid: int, pidfd: int, status_fd: int) -> None:
        self.name = str(pid)
        self.outer_pid: int | None = pid
        self.init_pid: int | None = None
        self._outer = pidfd
        self._status_fd = status_fd
        self._status_open = True
        self._status: dict[str, object] = {}
        self._partial = b""
        self._inner: int | None = None

    def watched(self) -> Sequence[int]:
        return [self._outer, self._status_fd] if self._status_open else [self._outer]

    def look(self, ready: set[int]) -> bool:
        if self._status_fd in ready:
            self._read_status()
        return self._outer in ready

    def kill(self) -> None:
        """Pid 1 of the box first: the kernel ends everything in its pid namespace with it."""
        self._await_child()
        deadline = time.monotonic() + GONE_S
        if self._inner is not None:
            _kill(self._inner)
        _kill(self._outer)
        if self._inner is not None:
            _await_exit(self._inner, deadline)
        _await_exit(self._outer, deadline)
        self._reap()
        while self._status_open:
            self._read_status()

    def ending(self) -> Ending:
        if "launcher-error" in self._status:
            return Ending(error=f"the box could not be set up: {self._status['launcher-error']}")
        code = self._status.get("exit-code")
        if code is None and self._inner is not None:
            return Ending(error="the box was ended from outside: its spawner was killed, or bubblewrap was")
        if not isinstance(code, int):
            return Ending(error="bubblewrap could not set the box up; its error output says why")
        return Ending(signal=code - _SIGNAL_BASE) if code > _SIGNAL_BASE else Ending(code=code)

    def close(self) -> None:
        for fd in (self._outer, self._status_fd, self._inner):
            if fd is not None:
                os.close(fd)

    def _read_status(self) -> None:
        """Take in what bubblewrap reports."""
        chunk = os.read(self._status_fd, 4096)
        self._status_open = bool(chunk)
        *lines, self._partial = (self._partial + chunk).split(b"\n")
        for line in lines:
            self._status.update(json.loads(line))
        child = self._status.get("child-pid")
        if isinstance(child, int) and self._inner is None:
            with contextlib.suppress(ProcessLookupError):
                self._inner = os.pidfd_open(child)
                self.init_pid = child

    def _await_child(self) -> None:
        """Bubblewrap's child cannot die with it before it has said so to the kernel: wait until we know who it is."""
        deadline = time.monotonic() + GONE_S
        poller = select.poll()
        poller.register(self._status_fd, select.POLLIN)
        while self._status_open and self._inner is None and not _has_ended(self._outer) and time.monotonic() < deadline:
            if poller.poll(50):
                self._read_status()

    def _reap(self) -> None:
        """The spawner does; if it was killed first, both are ours to reap where we are the subreaper (boxd)."""
        for pid in (self.outer_pid, self.init_pid):
            if pid is not None:
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)


def _kill(pidfd: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)


def _has_ended(pidfd: int) -> bool:
    poller = select.poll()
    poller.register(pidfd, select.POLLIN)
    return bool(poller.poll(0))


def _await_exit(pidfd: int, deadline: float) -> None:
    """Wait for a pid 1: its descriptor becomes readable only when its whole pid namespace is dead."""
    poller = select.poll()
    poller.register(pidfd, select.POLLIN)
    poller.poll(max(0.0, deadline - time.monotonic()) * 1000)
