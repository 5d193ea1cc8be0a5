"""Runs the learner's program inside a box, then hands over the files that the host asked for.

The learner's processes are children of this one and do not inherit the channel. What is sent is only ever what they
could have written themselves; the host checks names and sizes again.
"""

from __future__ import annotations

import ctypes
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from sandbox.guest.frames import read_frame, write_frame

WORK = "/work"
OUT = f"{WORK}/out"
_PORT = "29500"
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
    codes = run_ranks(header["entry"], header["argv"], header["ranks"])
    write_frame({"nonce": header["nonce"], "kind": "ended", "codes": codes})
    if not any(codes):
        for name, limit in header["outputs"].items():
            write_frame(*_file_frame(header["nonce"], name, limit))
    read_frame()  # until the host has all of it and closes


def run_ranks(entry: str, argv: list[str], ranks: int) -> list[int]:
    """Run the program once per rank; exit codes, negative for a signal. The first failure ends the others."""
    children = [
        subprocess.Popen(
            [sys.executable, "-u", entry, *argv],
            cwd=WORK,
            env=rank_environment(rank, ranks),
            stdin=subprocess.DEVNULL,
        )
        for rank in range(ranks)
    ]
    first_failure = _wait(children)
    # The rank that failed first explains the others, which we killed.
    return [first_failure] if first_failure else [0] * ranks


def rank_environment(rank: int, ranks: int) -> dict[str, str]:
    """What torch.distributed reads, beside the box's own environment."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if ranks == 1:
        return environment
    return environment | {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(ranks),
        "LOCAL_WORLD_SIZE": str(ranks),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": _PORT,
        "GLOO_SOCKET_IFNAME": "lo",
    }


def _wait(children: list[subprocess.Popen[bytes]]) -> int:
    while True:
        codes = [child.poll() for child in children]
        failed = [code for code in codes if code]
        if failed:
            for child in children:
                child.kill()
                child.wait()
            return failed[0]
        if None not in codes:
            return 0
        time.sleep(0.01)


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
