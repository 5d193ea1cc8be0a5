"""What processes hold for themselves alone."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from sandbox.bench.timing import BenchError
from sandbox.proctree import descendants
from sandbox.spares import settle_spares

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
    """This process and everything below it, once nothing is being made ahead."""
    settle_spares()
    return set(descendants(os.getpid()))


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
