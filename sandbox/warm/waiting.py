"""A copy that waits for its order, as the host sees it, and the few that each template has ahead."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sandbox.accounts import FreshAccount
from sandbox.errors import BoxStartError
from sandbox.leases import machine_book
from sandbox.warm.inside.copies import ORDER, PLACED, WAITS
from sandbox.warm.vessel import CopyVessel

DEPTH = 2
_LEASE_WAIT_S = 60.0
_SETUP_S = 10.0
_GONE_S = 2.0


@dataclass(slots=True, kw_only=True)
class WaitingCopy:
    """Used once. `status`: our end of its status pipe."""

    pid: int
    pidfd: int
    account: FreshAccount
    link: socket.socket
    status: int

    def place(self, seccomp: bytes) -> None:
        """Put it into its cgroup, and wait until it has built what it can. Raises OSError."""
        for file in self.account.join_files():
            file.write_text(str(self.pid))
        self.link.settimeout(_SETUP_S)
        self.link.send(PLACED + seccomp)
        if self.link.recv(1) != WAITS:
            raise OSError(f"it ended while it was set up: {self._last_words()}")

    def begin(self, fds: Sequence[int], on_end: Callable[[], None]) -> CopyVessel:
        """Give it its order (first of `fds`), its streams and its mounts; it becomes the vessel's. Raises OSError."""
        socket.send_fds(self.link, [ORDER], fds)
        self.link.close()
        return CopyVessel(self.pidfd, self.pid, self.status, on_end)

    def discard(self) -> None:
        """End it and give back what it holds."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        readable(self.pidfd, _GONE_S)
        self.link.close()
        for fd in (self.pidfd, self.status):
            os.close(fd)
        with contextlib.suppress(OSError):  # what cannot be removed now is swept when a backend is opened next
            self.account.remove()

    def alive(self) -> bool:
        return not readable(self.pidfd, 0)

    def _last_words(self) -> str:
        return os.read(self.status, 4096)[1:].decode(errors="replace") if readable(self.status, _GONE_S) else ""


class WaitingCopies:
    """A few copies ahead, made by a thread of its own until `close`; not while somebody measures."""

    def __init__(self, make: Callable[[], WaitingCopy]) -> None:
        self._make = make
        self._changed = threading.Condition()
        self._ready: list[WaitingCopy] = []
        self._closed = False
        self._broken = False
        self._thread = threading.Thread(target=self._refill, name="warm-copies", daemon=True)
        self._thread.start()

    def take(self) -> WaitingCopy:
        """One that waits, or a new one. Raises BoxStartError."""
        with self._changed:
            copy = self._ready.pop(0) if self._ready else None
            self._changed.notify_all()
        if copy is not None and copy.alive():
            return copy
        if copy is not None:
            copy.discard()
        return self._make()

    def wait_full(self, timeout_s: float) -> bool:
        """Block until as many wait as ever will unasked; False if that took longer."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._ready) >= DEPTH or self._closed or self._broken, timeout_s)

    def close(self) -> None:
        """End them. Safe to call twice."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if threading.current_thread() is not self._thread:
            self._thread.join()
        with self._changed:
            ready, self._ready = self._ready, []
        for copy in ready:
            copy.discard()

    def _refill(self) -> None:
        while self._wait_for_need():
            machine_book().wait_unleased(_LEASE_WAIT_S)
            try:
                copy = self._make()
            except BoxStartError:  # whoever takes the next one meets the same, and says it
                with self._changed:
                    self._broken = True
                    self._changed.notify_all()
                return
            with self._changed:
                self._ready.append(copy)
                self._changed.notify_all()

    def _wait_for_need(self) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._ready) < DEPTH)
            return not self._closed


def readable(fd: int, timeout_s: float) -> bool:
    """Whether there is something to read, or an end to see, within so many seconds."""
    poller = select.poll()
    poller.register(fd, select.POLLIN)
    return bool(poller.poll(timeout_s * 1000))
