"""Whether a process of a box had as many open files as it may: the kernel counts no refusal, so its tables are read."""

from __future__ import annotations

import os
from collections.abc import Iterable

# The smallest table that every kernel makes; those above are powers of two, and none shrinks while its process lives.
_SMALLEST_TABLE = 256
# FDSize is among the first lines, whose length has a bound.
_HEAD_BYTES = 1024


class Descriptors:
    """`reached` once a look saw a process that had `limit` descriptors.

    Where `limit` is one more than a power of two (256 or above), the size of a process's table tells that the last
    number was given out, even if all were closed since. Else what is open at the look is counted: a process that closed
    some in between is missed. One that reached the limit and ended between two looks is missed always. Only a kernel
    before 6.2 asks for the right to list the descriptors of other users' processes.
    """

    def __init__(self, limit: int) -> None:
        self.reached = False
        self._limit = limit
        below = limit - 1
        self._tables_tell = below >= _SMALLEST_TABLE and below & (below - 1) == 0

    def look(self, pids: Iterable[int]) -> None:
        """At the box's processes, without those of ours; one small read each."""
        if not self.reached:
            self.reached = any(self._is_full(pid) for pid in pids)

    def _is_full(self, pid: int) -> bool:
        try:
            return _table_size(pid) >= self._limit if self._tables_tell else _open_count(pid) >= self._limit
        except OSError:  # it is gone
            return False


def _table_size(pid: int) -> int:
    """How many descriptors the process's table has room for."""
    fd = os.open(f"/proc/{pid}/status", os.O_RDONLY | os.O_CLOEXEC)
    try:
        head = os.read(fd, _HEAD_BYTES)
    finally:
        os.close(fd)
    return int(head.partition(b"\nFDSize:")[2].split(None, 1)[0])


def _open_count(pid: int) -> int:
    folder = f"/proc/{pid}/fd"
    # Since Linux 6.2 the folder's size is the count; before, it is 0 and the names are to be counted.
    return os.stat(folder).st_size or len(os.listdir(folder))  # noqa: PTH116, PTH208  several times a second
