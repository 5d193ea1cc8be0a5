"""Moves running processes to other cores."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

_LONGEST_S = 1.0


def confine(pids_of: Callable[[], Sequence[int]], cpus: Iterable[int]) -> None:
    """Put every thread of the processes that `pids_of` names on `cpus`, those born meanwhile, too.

    A new thread starts where its parent is, so passes are made until one finds nothing to move. What ends meanwhile is
    no error. Raises PermissionError for a process that is not ours to move, TimeoutError after a second.
    """
    wanted = set(cpus)
    deadline = time.monotonic() + _LONGEST_S
    while _one_pass(pids_of(), wanted):
        if time.monotonic() > deadline:
            raise TimeoutError(
                f"processes still appear elsewhere than on cores {sorted(wanted)} after {_LONGEST_S:g} s"
            )


def _one_pass(pids: Sequence[int], wanted: set[int]) -> int:
    """How many threads had to be moved."""
    moved = 0
    for thread in _threads(pids):
        with contextlib.suppress(ProcessLookupError):
            if os.sched_getaffinity(thread) != wanted:
                os.sched_setaffinity(thread, wanted)
                moved += 1
    return moved


def _threads(pids: Sequence[int]) -> Iterator[int]:
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            yield from [int(task.name) for task in Path(f"/proc/{pid}/task").iterdir()]
