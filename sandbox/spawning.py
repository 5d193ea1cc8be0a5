"""The owner's side of spawner.py: one such process, started when it is first needed and again if it was killed."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sandbox import spawner
from sandbox.errors import BoxStartError
from sandbox.spawn import spawn

_ANSWER_S = 20.0
_ANSWER_BYTES = 64 * 1024
_MOST_STAGED = 64
# A box binds what is staged within milliseconds of its start; after that it no longer matters to it.
_IN_USE_S = 60.0

_Source = tuple[str, int, int]


class SpawnerGone(BoxStartError):  # noqa: N818  what has happened; the next one is started by who asks next
    """The process that starts boxes was killed in the middle of a request."""


class Spawner:
    """One spawner process. Every method may be called from any thread."""

    def __init__(self) -> None:
        """Raises BoxStartError."""
        self._lock = threading.Lock()
        self._staged: dict[_Source, tuple[int, float]] = {}
        self._numbers = 0
        self._link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._link.settimeout(_ANSWER_S)
        try:
            self._process = spawn(lambda: _start(theirs.fileno()))
        except OSError as error:
            self._link.close()
            raise BoxStartError(f"cannot start a process for boxes: {error}") from error
        finally:
            theirs.close()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def spare(self, groups: Sequence[int], link: int) -> tuple[int, int]:
        """A process that joins `groups` and then waits on `link`; its pid and a descriptor of it (the caller's).

        Raises BoxStartError, as the others do.
        """
        reply, fds = self._ask({"op": "spare"}, [*groups, link])
        return int(reply["pid"]), fds[0]

    def pod(self) -> list[int]:
        """Descriptors of new namespaces, the caller's to close: a user's where we are none of root's, and a network."""
        return self._ask({"op": "pod"}, [])[1]

    def stage(self, source: Path) -> str:
        """Where an unprivileged process of the spawner finds `source`."""
        found = source.stat()
        key = (str(source), found.st_dev, found.st_ino)  # another folder of the same name is another folder
        with self._lock:
            if key in self._staged:
                number, _ = self._staged.pop(key)
            else:
                self._make_room()
                self._numbers += 1
                number = self._numbers
                self._ask_locked({"op": "stage", "source": str(source), "number": number}, [])
            self._staged[key] = number, time.monotonic()  # last is the most recently used
        return f"{spawner.STAGING}/{number}"

    def close(self) -> None:
        """End the process, and with it every process that it made."""
        self._link.close()
        self._process.kill()
        self._process.wait()

    def _make_room(self) -> None:
        for key, (number, used) in list(self._staged.items()):
            if len(self._staged) < _MOST_STAGED or time.monotonic() - used < _IN_USE_S:
                return
            self._ask_locked({"op": "unstage", "number": number}, [])
            del self._staged[key]

    def _ask(self, request: dict[str, Any], fds: Sequence[int]) -> tuple[dict[str, Any], list[int]]:
        with self._lock:
            return self._ask_locked(request, fds)

    def _ask_locked(self, request: dict[str, Any], fds: Sequence[int]) -> tuple[dict[str, Any], list[int]]:
        try:
            socket.send_fds(self._link, [json.dumps(request).encode()], fds)
            answer, given, _, _ = socket.recv_fds(self._link, _ANSWER_BYTES, 8)
            if not answer:
                raise ConnectionResetError("it has ended")
        except OSError as error:
            # Nobody knows where in a dialogue it is: what comes next starts another one.
            self._process.kill()
            self._process.wait()
            raise SpawnerGone(f"the process that starts boxes does not answer: {error}") from error
        for fd in given:
            os.set_inheritable(fd, False)
        reply = json.loads(answer)
        if "error" in reply:
            raise BoxStartError(f"cannot prepare a box: {reply['error']}")
        return reply, given


def _start(link: int) -> subprocess.Popen[bytes]:
    # A session of its own: a Ctrl-C in our terminal is ours to deal with, and ends boxes in good order.
    return subprocess.Popen(
        [sys.executable, "-I", "-S", spawner.__file__, str(link), str(os.getpid())],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        pass_fds=[link], env={}, cwd=Path("/"), start_new_session=True,
    )  # fmt: skip
