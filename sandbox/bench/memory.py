"""What processes hold for themselves alone."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from sandbox.bench.timing import BenchError
from sandbox.proctree import descendants

_PRIVATE = ("Private_Clean", "Private_Dirty", "Private_Hugetlb")


def private_bytes(rollup: str) -> int:
    """The sum of the private lines of a /proc/<pid>/smaps_rollup."""
    pairs = (line.partition(":") for line in rollup.splitlines())
    return sum(int(value.split()[0]) * 1024 for name, _, value in pairs if name in _PRIVATE)


def private_bytes_of(pids: Iterable[int]) -> int:
    """Of all these processes; one that has ended holds nothing. Raises BenchError where we may not look."""
    total = 0
    for pid in pids:
        try:
            total += private_bytes(Path(f"/proc/{pid}/smaps_rollup").read_text())
        except PermissionError as error:
            raise BenchError(f"/proc/{pid}/smaps_rollup is not readable by uid {os.geteuid()}") from error
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total


def tree() -> set[int]:
    """This process and everything below it."""
    return set(descendants(os.getpid()))
