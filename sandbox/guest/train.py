"""Runs the learner's program inside a box, then hands over the files that the host asked for.

The learner's processes are children of this one and do not inherit the channel. What is sent is only ever what they
could have written themselves; the host checks names and sizes again.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import stat
from pathlib import Path
from typing import Any

from sandbox.guest.frames import read_frame, write_frame
from sandbox.guest.ranks import start_ranks
from sandbox.guest.supervisor import End, Supervisor

WORK = "/work"
OUT = f"{WORK}/out"
_PR_SET_DUMPABLE = 4


class RefusedError(Exception):
    """An output that is not handed over; the text is one of the codes that the host knows."""


def main() -> None:
    """Serve one training request."""
    # Not dumpable: the learner's processes have our uid, and must not read or write this process through /proc.
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    request = read_frame()
    if request is None:
        return
    header = request[0]
    Path(OUT).mkdir(exist_ok=True)
    end = Supervisor(start_ranks(header["entry"], header["argv"], header["ranks"]), header["hang_s"]).wait()
    _tell_end(header["nonce"], end)
    if not any(end.codes) and None not in end.codes:
        for name, limit in header["outputs"].items():
            write_frame(*_file_frame(header["nonce"], name, limit))
    read_frame()  # until the host has all of it and closes


def _tell_end(nonce: str, end: End) -> None:
    """How each rank ended, None for those that we ended; when they hung, where each of them stood."""
    if end.positions is None:
        write_frame({"nonce": nonce, "kind": "ended", "codes": end.codes})
    else:
        write_frame({"nonce": nonce, "kind": "hung", "codes": end.codes}, json.dumps(end.positions).encode())


def _file_frame(nonce: str, name: str, limit: int) -> tuple[dict[str, Any], bytes]:
    try:
        data = read_output(Path(OUT), name, limit)
    except RefusedError as reason:
        return {"nonce": nonce, "kind": "file", "name": name, "status": str(reason)}, b""
    return {"nonce": nonce, "kind": "file", "name": name, "status": "ok"}, data


def read_output(folder: Path, name: str, limit: int) -> bytes:
    """The bytes of a plain file below `folder`.

    Raises RefusedError: "missing", "link" (symbolic or hard, at any level), "kind", "size", "sparse".
    """
    parts = name.split("/")
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        for part in parts[:-1]:
            fd = _step(fd, part, os.O_DIRECTORY)
        fd = _step(fd, parts[-1], os.O_NONBLOCK)
        _check(os.fstat(fd), limit)
        return _read(fd, limit)
    finally:
        os.close(fd)


def _step(parent: int, name: str, flags: int) -> int:
    """Open `name` below `parent`, which is closed when that works."""
    try:
        if stat.S_ISLNK(os.lstat(name, dir_fd=parent).st_mode):
            raise RefusedError("link")
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | flags, dir_fd=parent)
    except FileNotFoundError:
        raise RefusedError("missing") from None
    except OSError:
        raise RefusedError("kind") from None
    os.close(parent)
    return fd


def _check(status: os.stat_result, limit: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise RefusedError("kind")
    if status.st_nlink != 1:
        raise RefusedError("link")
    if status.st_size > limit:
        raise RefusedError("size")
    if status.st_blocks * 512 < status.st_size:
        raise RefusedError("sparse")


def _read(fd: int, limit: int) -> bytes:
    data = bytearray()
    while chunk := os.read(fd, 1 << 20):
        data += chunk
        if len(data) > limit:
            raise RefusedError("size")
    return bytes(data)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    main()
