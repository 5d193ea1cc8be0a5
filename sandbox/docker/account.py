"""The books of a container: its cgroup, found through its first process and read by us, never by the engine."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from sandbox.accounts import Reading
from sandbox.cgroup_kinds import V1, V2, Kind
from sandbox.cgroups import Group, find_hierarchies
from sandbox.docker.engine import Remote
from sandbox.docker.runtime import chosen_runtime
from sandbox.errors import BoxStartError
from sandbox.freezing import Freezer
from sandbox.spec import UsageSource


class DockerAccount:
    """Counts from `begin`: what the container runtime, the shim and imports used before is not the box's."""

    def __init__(self, group: Group, kind: Kind, remote: Remote) -> None:
        """`remote` does what we may not do ourselves, where we are not root."""
        self._group = group
        self._remote = remote
        self._kind = kind
        self._last: Reading | None = None
        self._peak = 0
        self._out_of_memory = False
        self.begin()

    def begin(self) -> None:
        """The program is about to start."""
        before = self._kind.look(self._group.folders)
        self._cpu_before = before.cpu_s
        self._peak_before = before.kernel_peak_bytes
        # An imported stack that is in memory already is the program's use, as in a cold start; the shim is not.
        self._shim_bytes = min(before.memory_bytes, chosen_runtime().memory_bytes)
        self._refused_before = before.pids_refused

    @property
    def source(self) -> UsageSource:
        return self._group.source

    @property
    def poll_s(self) -> float:
        return self._group.poll_s

    def join_files(self) -> Sequence[Path]:
        """None: the engine has put the container where it belongs."""
        return []

    def attach(self, outer_pid: int | None, inner_pid: int | None) -> None:
        """Nothing to do: the group is known."""

    def read(self) -> Reading:
        return self._last or self._read()

    def seal(self) -> None:
        """Take the last reading: the group is about to go, or goes with the container's first process."""
        self._last = self.read()

    def members(self) -> list[int]:
        return [] if self._last else self._group.members()

    def kill(self) -> None:
        if not self._last:
            # The first process dies with the rest, and then the engine takes the group away.
            self.seal()
            (self._group if _root() else self._remote).kill()

    def freezer(self) -> Freezer:
        return self._group.freezer() if _root() else self._remote

    def remove(self) -> None:
        """Nothing to do: the engine removes the group with its container."""

    def _read(self) -> Reading:
        look = self._kind.look(self._group.folders)
        self._out_of_memory = self._out_of_memory or look.oom_kills > 0
        self._peak = max(self._peak, look.memory_bytes)
        # The runtime's own start may have been the peak so far.
        if look.kernel_peak_bytes > self._peak_before:
            self._peak = max(self._peak, look.kernel_peak_bytes - look.file_cache_bytes)
        return Reading(
            cpu_s=max(0.0, look.cpu_s - self._cpu_before),
            peak_memory_bytes=max(0, self._peak - self._shim_bytes),
            out_of_memory=self._out_of_memory,
            pids_refused=look.pids_refused > self._refused_before,
        )


def _root() -> bool:
    return os.geteuid() == 0


def open_account(pid: int, container: str, remote: Remote) -> DockerAccount:
    """Of the container whose first process is `pid`. Raises BoxStartError."""
    paths = ""
    with contextlib.suppress(OSError):
        paths = Path(f"/proc/{pid}/cgroup").read_text()
    if container not in paths:
        raise BoxStartError(
            f"the box's first process, {pid} to us, is not in container {container[:12]}: "
            "boxes need the pid namespace of the engine's machine (a container of ours: `--pid=host`)"
        )
    group = find_group(Path("/proc/self/mountinfo").read_text(), paths)
    return DockerAccount(*group, remote)


def find_group(mountinfo: str, paths: str) -> tuple[Group, Kind]:
    """From the texts of /proc/self/mountinfo and the container's /proc/<pid>/cgroup. Raises BoxStartError."""
    trees = find_hierarchies(mountinfo, paths)
    if "" in trees and (trees[""].ours / "memory.current").exists():
        return Group(V2(), [trees[""].ours]), V2()
    if {"memory", "pids", "cpuacct"} <= trees.keys():
        folders = [trees[name].ours for name in ("memory", "pids", "cpuacct", "freezer") if name in trees]
        if all(folder.is_dir() for folder in folders):
            return Group(V1(), folders), V1()
    raise BoxStartError("the container's cgroup is not to be seen here: mount /sys/fs/cgroup of the engine's machine")
