"""Accounts without cgroups: a watchdog reads the box's process tree from /proc.

What it sees: private memory, shared mappings and the three tmpfs. What it cannot see is kernel memory (socket and pipe
buffers), which only a cgroup counts; docs/security.md says so.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from sandbox.accounts import Reading
from sandbox.freezing import STOPPED, StopFreezer
from sandbox.owner import kill_all, start_ticks

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_TMPFS = ("work", "tmp", "dev/shm")
_INODE_BYTES = 1024  # an empty file holds about this much kernel memory


class ProcAccount:
    """The books of one box, kept by looking every 20 ms."""

    source: Literal["proc"] = "proc"
    poll_s = 0.02

    def __init__(self) -> None:
        self._memory_bytes: float = math.inf
        self._inner_pid: int | None = None
        self._cpu_s = 0.0
        self._peak = 0
        self._out = False
        self._freezer = StopFreezer(self.members)

    def bound(self, *, memory_bytes: int, pids: int) -> None:
        # pids are bounded by prlimit inside the box.
        self._memory_bytes = memory_bytes

    def join_files(self) -> Sequence[Path]:
        return []

    def attach(self, outer_pid: int | None, inner_pid: int | None) -> None:
        self._inner_pid = inner_pid

    def members(self) -> list[int]:
        """Empty once the box's first process is gone: the kernel ends everything in its pid namespace with it."""
        return [] if self._inner_pid is None or start_ticks(self._inner_pid) is None else descendants(self._inner_pid)

    def kill(self) -> None:
        kill_all(self.members())

    def freezer(self) -> StopFreezer:
        return self._freezer

    def read(self) -> Reading:
        # From the box's first process down: before its exec, the outer one still shows our own memory.
        pids = [] if self._inner_pid is None else descendants(self._inner_pid)
        # A process that ends moves its seconds to its parent; a sum seen once is never taken back.
        self._cpu_s = max(self._cpu_s, sum(_cpu_s(pid) for pid in pids))
        used = self._memory(pids)
        self._peak = max(self._peak, used)
        self._out = self._out or used > self._memory_bytes
        return Reading(cpu_s=self._cpu_s, peak_memory_bytes=self._peak, out_of_memory=self._out)

    def remove(self) -> None:
        self._inner_pid = None

    def _memory(self, pids: Sequence[int]) -> int:
        disks = self._tmpfs_bytes()
        quick = [_fields(f"/proc/{pid}/status", ("RssAnon", "RssShmem")) for pid in pids]
        total = disks + sum(sum(pair.values()) for pair in quick)
        if total <= self._memory_bytes:
            return total
        # Pages that several processes share were counted once for each: look again, proportionally (dearer).
        exact = [_fields(f"/proc/{pid}/smaps_rollup", ("Pss_Anon", "Pss_Shmem")) for pid in pids]
        anon = sum(pair.get("Pss_Anon", 0) for pair in exact)
        # A mapped file of /dev/shm is in both sums; the greater of the two never counts it twice.
        return anon + max(disks, sum(pair.get("Pss_Shmem", 0) for pair in exact))

    def _tmpfs_bytes(self) -> int:
        if self._inner_pid is None:
            return 0
        root = f"/proc/{self._inner_pid}/root"
        # While it is being set up, the box still has our root, and these names would mean our folders.
        return sum(_held_bytes(f"{root}/{name}") for name in _TMPFS) if _has_own_root(root) else 0


class ProcKeeper:
    """Opens such accounts; they leave nothing behind that would have to be swept."""

    source: Literal["proc"] = "proc"
    bounds_pids = False
    freezes_by = STOPPED

    def make(self) -> ProcAccount:
        return ProcAccount()

    def open(self, *, memory_bytes: int, pids: int) -> ProcAccount:
        account = self.make()
        account.bound(memory_bytes=memory_bytes, pids=pids)
        return account

    def sweep(self) -> int:
        return 0


def descendants(pid: int) -> list[int]:
    """`pid` and every process below it."""
    found = [pid]
    for parent in found:
        found += _children(parent)
    return found


def _children(pid: int) -> list[int]:
    children: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            children += [int(child) for child in _text(f"{task}/children").split()]
    return children


def _cpu_s(pid: int) -> float:
    fields = _text(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / _TICKS_PER_S


def _fields(file: str, names: Sequence[str]) -> dict[str, int]:
    """Chosen "Name:  123 kB" lines of a /proc file, in bytes; none once the process is gone."""
    pairs = (line.partition(":") for line in _text(file).splitlines())
    return {name: int(value.split()[0]) * 1024 for name, _, value in pairs if name in names}


def _has_own_root(root: str) -> bool:
    try:
        return Path(root).stat().st_dev != Path("/").stat().st_dev
    except OSError:  # the process is gone
        return False


def _held_bytes(path: str) -> int:
    try:
        disk = os.statvfs(path)
    except OSError:  # the box is being set up or taken down
        return 0
    return (disk.f_blocks - disk.f_bfree) * disk.f_frsize + (disk.f_files - disk.f_ffree) * _INODE_BYTES


def _text(file: str) -> str:
    try:
        return Path(file).read_text()
    except OSError:  # the process is gone
        return ""
