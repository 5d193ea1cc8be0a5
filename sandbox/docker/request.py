"""What the shim is told: the program, its environment, limits and files, in one unnamed file beside the streams."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Sequence

from sandbox.docker.config import runs_in_container
from sandbox.plan import BOX_UID, environment, memory_file
from sandbox.spec import BoxSpec

# bubblewrap sets it when it changes folder; programs see the same in every box.
_FOLDER = {"PWD": "/work"}


def send_request(channel: socket.socket, spec: BoxSpec, argv: Sequence[str], fds: Sequence[int]) -> None:
    """Let the program start. `fds`: stdin, stdout, stderr, control; they stay the caller's. Raises OSError."""
    for fd in fds[:3]:
        # So that the program can open /dev/stdout again; only root may give a pipe away.
        with contextlib.suppress(PermissionError):
            os.fchown(fd, BOX_UID, BOX_UID)
    request = memory_file(_encoded(spec, argv))
    try:
        socket.send_fds(channel, [b"R"], [*fds, request])
    finally:
        os.close(request)


def _encoded(spec: BoxSpec, argv: Sequence[str]) -> bytes:
    """A line of JSON, then the files one after another."""
    paths = ((spec.file_path(name), data) for name, data in spec.files.items())
    files = [(path, data) for path, data in paths if runs_in_container(path)]
    header = {
        "argv": list(argv),
        "env": {**environment(spec), **_FOLDER},
        "open_files": spec.open_files,
        # The monitor holds the limit for all processes together; this one is for what escapes its looks.
        "cpu_s": None if spec.cpu_s is None else int(spec.cpu_s) + 2,
        "files": [(path, len(data)) for path, data in files],
    }
    return b"".join([json.dumps(header).encode(), b"\n", *(data for _, data in files)])
