"""A busy neighbour: one process on each core that computes and moves memory, as long as the context is open."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator

_BLOCK = 32 * 1024 * 1024  # larger than the caches that cores share


@contextlib.contextmanager
def busy_neighbour() -> Iterator[list[int]]:
    """Gives the processes' ids; they end with the context, or with this process."""
    processes = [_start(core) for core in sorted(os.sched_getaffinity(0))]
    try:
        for process in processes:
            assert process.stdout is not None
            process.stdout.read(1)  # it is busy from here on
        yield [process.pid for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _start(core: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "grader.bench_grade.neighbour", str(core)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def _burn(core: int) -> None:
    os.sched_setaffinity(0, {core})
    threading.Thread(target=_end_with_parent, daemon=True).start()
    block = bytearray(_BLOCK)
    os.write(1, b".")
    while True:
        sum(number & 1 for number in range(50_000))
        block = block[1:] + block[:1]


def _end_with_parent() -> None:
    os.read(0, 1)
    os._exit(0)


if __name__ == "__main__":
    _burn(int(sys.argv[1]))
