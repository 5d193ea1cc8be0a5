"""What the shim is told: a program, its environment, limits and files, in one unnamed file beside the descriptors."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from sandbox.docker.config import runs_in_container
from sandbox.plan import BOX_UID, environment, memory_file
from sandbox.spec import BoxSpec

# bubblewrap sets it when it changes folder; programs see the same in every box.
FOLDER = {"PWD": "/work"}
RUN, WARM = b"R", b"W"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`cpu_s`: seconds for each process, None for no limit. `warm`: what a standby needs to become the program."""

    argv: Sequence[str]
    env: Mapping[str, str]
    open_files: int
    cpu_s: int | None = None
    files: Sequence[tuple[str, bytes]] = ()
    warm: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, spec: BoxSpec, argv: Sequence[str]) -> Self:
        paths = ((spec.file_path(name), data) for name, data in spec.files.items())
        return cls(
            argv=argv,
            env={**environment(spec), **FOLDER},
            open_files=spec.open_files,
            # The monitor holds the limit for all processes together; this one is for what escapes its looks.
            cpu_s=None if spec.cpu_s is None else int(spec.cpu_s) + 2,
            files=[(path, data) for path, data in paths if runs_in_container(path)],
        )

    def encoded(self) -> bytes:
        """A line of JSON, then the files one after another."""
        header = {
            "argv": list(self.argv),
            "env": dict(self.env),
            "open_files": self.open_files,
            "cpu_s": self.cpu_s,
            "files": [(path, len(data)) for path, data in self.files],
            "warm": dict(self.warm),
        }
        return b"".join([json.dumps(header).encode(), b"\n", *(data for _, data in self.files)])


def send_run(channel: socket.socket, request: Request, fds: Sequence[int]) -> None:
    """Let the program begin. `fds`: stdin, stdout, stderr, control; they stay the caller's. Raises OSError."""
    for fd in fds[:3]:
        # So that the program can open /dev/stdout again; only root may give a pipe away.
        with contextlib.suppress(PermissionError):
            os.fchown(fd, BOX_UID, BOX_UID)
    _send(channel, RUN, request, fds)


def send_warm(channel: socket.socket, request: Request) -> None:
    """Let a standby begin; the shim answers WARM once it is ready. Raises OSError."""
    _send(channel, WARM, request, [])


def _send(channel: socket.socket, kind: bytes, request: Request, fds: Sequence[int]) -> None:
    file = memory_file(request.encoded())
    try:
        socket.send_fds(channel, [kind], [*fds, file])
    finally:
        os.close(file)
