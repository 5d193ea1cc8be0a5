"""What processes hold for themselves alone."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sandbox.bench.timing import BenchError
from sandbox.proctree import descendants

_STILL_S, _STILL_WITHIN_S = 0.5, 10.0
_PRIVATE = frozenset({"Private_Clean", "Private_Dirty", "Private_Hugetlb"})
_ANONYMOUS = frozenset({"Pss_Anon", "Pss_Shmem"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """Of some processes. `private_bytes`: mapped by one of them and nobody else, so that it goes when they go.

    `anonymous_bytes`: their share of all memory that is no file's; whole where everybody who shares it is one of them.
    """

    private_bytes: int
    anonymous_bytes: int


def weight(rollups: Iterable[str]) -> Weight:
    """The sums over the text of some /proc/<pid>/smaps_rollup."""
    sums = {_PRIVATE: 0, _ANONYMOUS: 0}
    for rollup in rollups:
        for name, _, value in (line.partition(":") for line in rollup.splitlines()):
            for kind in sums:
                sums[kind] += int(value.split()[0]) * 1024 if name in kind else 0
    return Weight(private_bytes=sums[_PRIVATE], anonymous_bytes=sums[_ANONYMOUS])


def weight_of(pids: Iterable[int]) -> Weight:
    """One that has ended holds nothing. Raises BenchError where we may not look."""
    rollups = []
    for pid in pids:
        try:
            rollups.append(_read(f"/proc/{pid}/smaps_rollup").decode())
        except PermissionError as error:
            raise BenchError(f"/proc/{pid}/smaps_rollup is not readable by uid {os.geteuid()}") from error
    return weight(rollups)


def tree() -> set[int]:
    """This process and everything below it, once that is still: what is made ahead is there, what ended is gone."""
    deadline = time.monotonic() + _STILL_WITHIN_S
    before, now = set[int](), set(descendants(os.getpid()))
    while now != before and time.monotonic() < deadline:
        time.sleep(_STILL_S)
        before, now = now, set(descendants(os.getpid()))
    return now


def box_of(marker: str) -> set[int]:
    """The processes below this one that belong to the box whose program has `marker` in its arguments.

    All of its pid namespace, and the outer process that names the program. Raises BenchError where we may not look.
    """
    pids = descendants(os.getpid())
    named = [pid for pid in pids if marker.encode() in _read(f"/proc/{pid}/cmdline")]
    spaces = {_pid_namespace(pid) for pid in named} - {_pid_namespace(os.getpid())}
    return {*named, *(pid for pid in pids if _pid_namespace(pid) in spaces)}


def _read(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def _pid_namespace(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/pid").readlink())
    except PermissionError as error:
        raise BenchError(f"/proc/{pid}/ns is not readable by uid {os.geteuid()}") from error
    except FileNotFoundError:
        return f"gone {pid}"
