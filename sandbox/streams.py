"""The four channels between a box and whoever started it."""

from __future__ import annotations

import os
import socket
from typing import BinaryIO, Protocol

from sandbox.spec import Outcome


class Run(Protocol):
    """Something that ends."""

    def wait(self) -> Outcome: ...

    def kill(self) -> None: ...


class Streams:
    """The four channels of a box: our ends as files, their ends as descriptors in the order 0, 1, 2, control."""

    def __init__(self) -> None:
        stdin_r, stdin_w = os.pipe2(os.O_CLOEXEC)
        stdout_r, stdout_w = os.pipe2(os.O_CLOEXEC)
        stderr_r, stderr_w = os.pipe2(os.O_CLOEXEC)
        self.control, theirs = socket.socketpair()
        self.theirs = [stdin_r, stdout_w, stderr_w, theirs.detach()]
        self.stdin: BinaryIO = os.fdopen(stdin_w, "wb", buffering=0)
        self.stdout: BinaryIO = os.fdopen(stdout_r, "rb", buffering=0)
        self.stderr: BinaryIO = os.fdopen(stderr_r, "rb", buffering=0)

    def close_theirs(self) -> None:
        while self.theirs:
            os.close(self.theirs.pop())

    def close_ours(self) -> None:
        for stream in (self.stdin, self.stdout, self.stderr, self.control):
            stream.close()


class RunningProcess:
    """A started program: its streams and whatever follows its end."""

    def __init__(self, streams: Streams, run: Run) -> None:
        self._streams = streams
        self._run = run
        self.stdin, self.stdout, self.stderr = streams.stdin, streams.stdout, streams.stderr
        self.control = streams.control

    def wait(self) -> Outcome:
        return self._run.wait()

    def close(self) -> None:
        self._run.kill()
        self._streams.close_ours()
