"""One container with its shim inside, as the monitor sees it."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import time
from collections.abc import Callable, Sequence

from sandbox.docker.container import Container
from sandbox.docker.runtime import chosen_runtime
from sandbox.monitor import GONE_S
from sandbox.vessel import Ending

# How long a shim may take to end its box when asked; after that the kernel ends it, and the last moment is not counted.
_LAST_WORDS_S = 0.5
_LONGEST_LINE = 4096


class DockerVessel:
    """Owns the container. `ended` is called once, last of all."""

    outer_pid = None

    def __init__(self, container: Container, ended: Callable[[], None]) -> None:
        self.name = container.name
        self.shares_kernel = chosen_runtime().shares_kernel
        self.init_pid: int | None = container.pid
        self._container = container
        self._channel = container.channel
        self._account = container.account
        self._ended = ended
        self._said = b""
        self._first = os.pidfd_open(container.pid)

    def watched(self) -> Sequence[int]:
        return [self._channel.fileno(), self._first]

    def look(self, ready: set[int]) -> bool:
        """Over when the shim has said how the program ended, or is dead."""
        if self._channel.fileno() in ready and self._listen():
            return True
        return self._first in ready

    def kill(self) -> None:
        """Let the shim end the rest first, so that the last figures can be read while the group is there."""
        deadline = time.monotonic() + GONE_S
        if b"\n" not in self._said:
            with contextlib.suppress(OSError):  # dead already
                self._channel.sendall(b"K")
                self._await_last_words()
        self._account.seal()
        self._end_first()
        _await_readable([self._first], deadline - time.monotonic())
        if not _await_readable([self._first], 0):
            raise OSError(f"container {self.name} did not end within {GONE_S:g} s")

    def ending(self) -> Ending:
        """The first line that the shim said, and no other."""
        line, newline, _ = self._said.partition(b"\n")
        said = json.loads(line) if newline else {}
        if "error" in said:
            return Ending(error=f"the box could not be set up: {said['error']}")
        if "signal" in said:
            return Ending(signal=said["signal"])
        if "code" in said:
            return Ending(code=said["code"])
        # Only what ran in the box can have ended its first process (a CPU limit put on it, say).
        return Ending(signal=signal.SIGKILL)

    def close(self) -> None:
        os.close(self._first)
        self._container.discard()
        self._ended()

    def _listen(self) -> bool:
        """Take in what the shim says; True once the line, or the channel, is at its end."""
        chunk = b""
        with contextlib.suppress(ConnectionResetError):  # it died with something unread
            chunk = self._channel.recv(_LONGEST_LINE)
        self._said += chunk
        return not chunk or b"\n" in self._said or len(self._said) >= _LONGEST_LINE

    def _await_last_words(self) -> None:
        deadline = time.monotonic() + _LAST_WORDS_S
        while b"\n" not in self._said and (left := deadline - time.monotonic()) > 0:
            if not _await_readable([self._channel.fileno()], left) or self._listen():
                return

    def _end_first(self) -> None:
        """The kernel ends everything in its pid namespace with it."""
        try:
            signal.pidfd_send_signal(self._first, signal.SIGKILL)
        except ProcessLookupError:
            return
        except PermissionError:  # we may use the engine, but are not root
            self._container.engine.kill(self._container.id)


def _await_readable(fds: Sequence[int], timeout_s: float) -> bool:
    poller = select.poll()
    for fd in fds:
        poller.register(fd, select.POLLIN)
    return bool(poller.poll(max(0.0, timeout_s) * 1000))
