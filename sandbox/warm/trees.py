"""Mounts of host folders for warm boxes, from helpers that are kept: only the first box pays for their start."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import BoxStartError
from sandbox.warm import detach

_MOST_HELPERS = 8
_LONGEST_S = 10.0
_MOST_AT_ONCE = 100
_ANSWER_BYTES = 4096
_Sources = tuple[tuple[str, int, int], ...]


@dataclass(slots=True)
class _Helper:
    """One process that has these sources mounted."""

    process: subprocess.Popen[bytes]
    link: socket.socket

    def ask(self, packet: list[str] | list[int], fds: int = 0) -> list[int]:
        """Raises OSError."""
        self.link.send(json.dumps(packet).encode())
        said, received, _, _ = socket.recv_fds(self.link, _ANSWER_BYTES, max(fds, 1), socket.MSG_CMSG_CLOEXEC)
        if said[:1] != b"k" or len(received) != fds:
            for fd in received:
                os.close(fd)
            raise OSError(said[1:].decode(errors="replace") or "the helper has ended")
        return received

    def close(self) -> None:
        self.link.close()
        self.process.kill()
        self.process.wait()


class Trees:
    """One helper for each set of sources. A folder that was replaced is another source. Used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._helpers: OrderedDict[_Sources, _Helper] = OrderedDict()

    def take(self, sources: Sequence[Path]) -> list[int]:
        """Descriptors of read-only mounts of `sources`, the caller's to close. Raises BoxStartError."""
        if not sources:
            return []
        wanted = _identify(sources)
        with self._lock:
            try:
                helper = self._helper(wanted)
                return helper.ask(list(range(len(wanted))), len(wanted))
            except OSError as error:
                if broken := self._helpers.pop(wanted, None):
                    broken.close()
                raise BoxStartError(f"mounts cannot be passed to a warm box: {error}") from error

    def close(self) -> None:
        """End the helpers. Safe to call twice."""
        with self._lock:
            while self._helpers:
                self._helpers.popitem()[1].close()

    def _helper(self, wanted: _Sources) -> _Helper:
        if wanted not in self._helpers:
            self._helpers[wanted] = _start([path for path, _, _ in wanted])
            while len(self._helpers) > _MOST_HELPERS:
                self._helpers.popitem(last=False)[1].close()
        self._helpers.move_to_end(wanted)
        return self._helpers[wanted]


def _identify(sources: Sequence[Path]) -> _Sources:
    """Raises BoxStartError."""
    if len(sources) > _MOST_AT_ONCE:
        raise BoxStartError(f"{len(sources)} mounts cannot be passed to a warm box: {_MOST_AT_ONCE} at most")
    try:
        resolved = [source.resolve() for source in sources]
        return tuple((str(path), path.stat().st_dev, path.stat().st_ino) for path in resolved)
    except OSError as error:
        raise BoxStartError(f"mount source {error.filename} does not exist") from error


def _start(paths: list[str]) -> _Helper:
    """Raises OSError."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(_LONGEST_S)
    command = [sys.executable, "-I", "-S", detach.__file__, str(theirs.fileno())]
    with theirs:
        try:
            process = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], env={}, cwd=Path("/"), stdin=subprocess.DEVNULL
            )
        except BaseException:
            ours.close()
            raise
    helper = _Helper(process, ours)
    try:
        helper.ask(paths)
    except BaseException:
        helper.close()
        raise
    return helper
