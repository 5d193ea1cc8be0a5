"""What the two kinds of cgroup call their files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from sandbox.freezing import STOPPED, Freezer, GroupFreezer, text_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Raw figures of one group: memory now without page cache, the kernel's own peak, page cache of host files."""

    cpu_s: float
    memory_bytes: int
    kernel_peak_bytes: int
    file_cache_bytes: int
    oom_kills: int
    pids_refused: int


class Kind(Protocol):
    """One kind of cgroup; `folders` are the box's folders, in the order that the kind wants them."""

    @property
    def source(self) -> Literal["cgroup2", "cgroup1"]: ...

    def adopt(self, folder: Path) -> None:
        """Make a new folder able to hold bounded groups."""
        ...

    def bound(self, folders: Sequence[Path], *, memory_bytes: int, pids: int) -> None: ...

    def look(self, folders: Sequence[Path]) -> Look: ...

    def cpu_s(self, folders: Sequence[Path]) -> float: ...

    def freezer(self, folders: Sequence[Path]) -> Freezer | None:
        """The kernel's own, if there is one."""
        ...

    def freezes_by(self, hierarchies: int) -> str:
        """How a box in so many hierarchies is frozen, in words."""
        ...

    def kill(self, folders: Sequence[Path]) -> bool:
        """Let the kernel end every member at once; False where it cannot."""
        ...


class V2:
    """One tree for all controllers."""

    source: Literal["cgroup2"] = "cgroup2"

    def adopt(self, folder: Path) -> None:
        (folder / "cgroup.subtree_control").write_text("+memory +pids")

    def bound(self, folders: Sequence[Path], *, memory_bytes: int, pids: int) -> None:
        (folder,) = folders
        (folder / "memory.max").write_text(str(memory_bytes))
        (folder / "pids.max").write_text(str(pids))
        (folder / "memory.oom.group").write_text("1")
        if (folder / "memory.swap.max").exists():  # absent where the kernel has no swap accounting
            (folder / "memory.swap.max").write_text("0")

    def look(self, folders: Sequence[Path]) -> Look:
        (folder,) = folders
        stat = _pairs(text_of(folder / "memory.stat"))
        current = int(text_of(folder / "memory.current") or 0)
        cache = stat.get("file", 0) - stat.get("shmem", 0)
        return Look(
            cpu_s=self.cpu_s(folders),
            memory_bytes=current - cache,
            kernel_peak_bytes=int(text_of(folder / "memory.peak") or current),  # memory.peak came with Linux 5.19
            file_cache_bytes=cache,
            oom_kills=_pairs(text_of(folder / "memory.events")).get("oom_kill", 0),
            pids_refused=_pairs(text_of(folder / "pids.events")).get("max", 0),
        )

    def cpu_s(self, folders: Sequence[Path]) -> float:
        (folder,) = folders
        return _pairs(text_of(folder / "cpu.stat")).get("usage_usec", 0) / 1e6

    def freezer(self, folders: Sequence[Path]) -> Freezer | None:
        (folder,) = folders
        # Came with Linux 5.2.
        return GroupFreezer.v2(folder) if (folder / "cgroup.freeze").exists() else None

    def freezes_by(self, hierarchies: int) -> str:
        return "cgroup v2: cgroup.freeze"

    def kill(self, folders: Sequence[Path]) -> bool:
        (folder,) = folders
        switch = folder / "cgroup.kill"
        if not switch.exists():  # came with Linux 5.14
            return False
        switch.write_text("1")
        return True


V1_NEEDED = ("memory", "pids", "cpuacct")


class V1:
    """A tree a controller: memory, pids, cpuacct and, where it is mounted, freezer, in this order."""

    source: Literal["cgroup1"] = "cgroup1"

    def adopt(self, folder: Path) -> None:
        """Nothing to do: every v1 group may hold others."""

    def bound(self, folders: Sequence[Path], *, memory_bytes: int, pids: int) -> None:
        memory, processes, *_ = folders
        (memory / "memory.limit_in_bytes").write_text(str(memory_bytes))
        both = memory / "memory.memsw.limit_in_bytes"
        if both.exists():  # memory and swap together: equal to the first means no swap
            both.write_text(str(memory_bytes))
        (processes / "pids.max").write_text(str(pids))

    def look(self, folders: Sequence[Path]) -> Look:
        memory, processes, *_ = folders
        stat = _pairs(text_of(memory / "memory.stat"))
        shmem = stat.get("shmem", 0)
        return Look(
            cpu_s=self.cpu_s(folders),
            memory_bytes=stat.get("rss", 0) + shmem,
            kernel_peak_bytes=int(text_of(memory / "memory.max_usage_in_bytes") or 0),
            file_cache_bytes=stat.get("cache", 0) - shmem,
            oom_kills=_pairs(text_of(memory / "memory.oom_control")).get("oom_kill", 0),
            pids_refused=_pairs(text_of(processes / "pids.events")).get("max", 0),
        )

    def cpu_s(self, folders: Sequence[Path]) -> float:
        _, _, cpu, *_ = folders
        return int(text_of(cpu / "cpuacct.usage") or 0) / 1e9

    def freezer(self, folders: Sequence[Path]) -> Freezer | None:
        _, _, _, *freezer = folders
        return GroupFreezer.v1(freezer[0]) if freezer else None

    def freezes_by(self, hierarchies: int) -> str:
        return "cgroup v1: freezer" if hierarchies > len(V1_NEEDED) else STOPPED

    def kill(self, folders: Sequence[Path]) -> bool:
        return False


def _pairs(text: str) -> dict[str, int]:
    lines = (line.partition(" ") for line in text.splitlines())
    return {name: int(value) for name, _, value in lines if value.isdigit()}
