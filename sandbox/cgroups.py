"""Cgroup v2 and v1: one group a box, below one folder that carries the owner's identity."""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sandbox.accounts import Reading
from sandbox.cgroup_kinds import V1, V1_NEEDED, V2, Kind
from sandbox.errors import BoxStartError, SandboxUnavailable
from sandbox.freezing import Freezer, StopFreezer, text_of
from sandbox.owner import OWNER_PREFIX, kill_all, owner_is_dead, owner_name

# bubblewrap's own two processes (outside and pid 1 inside) are in the group beside the program's.
_OWN_PROCESSES = 2
_EMPTY_S = 2.0
# Held while an owner's folder is made and filled, or removed: both happen from many threads.
_owned_folders = threading.Lock()
# One count for the whole process: all its keepers share the owner's folder.
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hierarchy:
    """A mounted cgroup tree: its root, and our own group in it."""

    root: Path
    ours: Path


def find_hierarchies(mountinfo: str, own: str) -> dict[str, Hierarchy]:
    """Map v1 controller names, and "" for v2, to trees, from the text of /proc/self/mountinfo and /proc/self/cgroup."""
    paths: dict[str, str] = {}
    for line in own.splitlines():
        _, controllers, path = line.split(":", 2)
        paths.update(dict.fromkeys(controllers.split(","), path))
    found: dict[str, Hierarchy] = {}
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        kind, _, options = after.split(" ", 2)
        _, _, _, mount_root, mount_point, *_ = before.split(" ")
        names = [""] if kind == "cgroup2" else options.split(",") if kind == "cgroup" else []
        for name in names:
            if name in paths:
                found[name] = _hierarchy(Path(mount_point), mount_root, paths[name])
    return found


def _hierarchy(mount_point: Path, mount_root: str, path: str) -> Hierarchy:
    below = os.path.relpath(path, mount_root) if path.startswith(mount_root) else "."
    return Hierarchy(root=mount_point, ours=mount_point / below)


class Group:
    """One box's group, or set of groups of equal name."""

    poll_s = 0.05

    def __init__(self, kind: Kind, folders: Sequence[Path]) -> None:
        self.source = kind.source
        self.folders = folders
        self._kind = kind
        self._peak = 0
        self._spent_before_s = 0.0
        self._freezer: Freezer | None = None

    def bound(self, *, memory_bytes: int, pids: int) -> None:
        """Bound memory and processes from now on; CPU time counts from here, too. Raises BoxStartError."""
        try:
            self._kind.bound(self.folders, memory_bytes=memory_bytes, pids=pids + _OWN_PROCESSES)
        except OSError as error:
            raise BoxStartError(f"cannot bound the box's cgroup: {error}") from error
        self._spent_before_s = self._kind.cpu_s(self.folders)

    def join_files(self) -> Sequence[Path]:
        return [folder / "cgroup.procs" for folder in self.folders]

    def attach(self, outer_pid: int | None, inner_pid: int | None) -> None:
        """Nothing to do: the launcher joined before it became the box."""

    def read(self) -> Reading:
        look = self._kind.look(self.folders)
        # The kernel's peak counts page cache of host files that this box happened to read first; what is cached at the
        # end was almost all cached at the peak, so it is taken off. Looks on the way give a floor.
        self._peak = max(self._peak, look.memory_bytes, look.kernel_peak_bytes - look.file_cache_bytes)
        return Reading(
            cpu_s=max(0.0, look.cpu_s - self._spent_before_s),
            peak_memory_bytes=self._peak,
            out_of_memory=look.oom_kills > 0,
            pids_refused=look.pids_refused > 0,
        )

    def members(self) -> list[int]:
        return sorted({int(line) for file in self.join_files() for line in text_of(file).split()})

    def kill(self) -> None:
        if not self._kind.kill(self.folders):
            kill_all(self.members())

    def freezer(self) -> Freezer:
        if self._freezer is None:
            self._freezer = self._kind.freezer(self.folders) or StopFreezer(self.members)
        return self._freezer

    def remove(self) -> None:
        """Remove the group, and the owner's folder with the last of its groups."""
        for folder in self.folders:
            remove_group(folder)
        with _owned_folders:
            for folder in self.folders:
                with contextlib.suppress(OSError):
                    folder.parent.rmdir()


class CgroupKeeper:
    """Opens groups below `parents`, one parent a hierarchy, in a folder named after this process."""

    bounds_pids = True

    def __init__(self, kind: Kind, parents: Sequence[Path], roots: Sequence[Path]) -> None:
        self.source = kind.source
        self._kind = kind
        self._roots = roots
        self._parents = parents
        self.freezes_by = kind.freezes_by(len(parents))

    def make(self) -> Group:
        """A group without bounds. Raises BoxStartError."""
        # Asked each time: a forked process is another owner.
        name = f"{owner_name()}/box{next(_numbers)}"
        folders = [parent / name for parent in self._parents]
        try:
            with _owned_folders:
                for folder in folders:
                    self._make_owned(folder.parent)
                    folder.mkdir()
        except OSError as error:
            Group(self._kind, folders).remove()
            raise BoxStartError(f"cannot make the box's cgroup: {error}") from error
        return Group(self._kind, folders)

    def open(self, *, memory_bytes: int, pids: int) -> Group:
        """Make a bounded group. Raises BoxStartError."""
        group = self.make()
        try:
            group.bound(memory_bytes=memory_bytes, pids=pids)
        except BaseException:
            group.remove()
            raise
        return group

    def _make_owned(self, owned: Path) -> None:
        with contextlib.suppress(FileExistsError):
            owned.mkdir()
            self._kind.adopt(owned)

    def probe(self) -> None:
        """Make a group, move a real process into it and read it back.

        Raises OSError or BoxStartError where that fails.
        """
        group = self.open(memory_bytes=64 * 1024 * 1024, pids=8)
        child = subprocess.Popen(["/bin/sleep", "5"], env={})
        try:
            for file in group.join_files():
                file.write_text(str(child.pid))
            if group.members() != [child.pid]:
                raise BoxStartError("the cgroup did not take the process in")
            group.read()
        finally:
            child.kill()
            child.wait()
            group.remove()

    def sweep(self) -> int:
        """End and remove the groups of owners that are dead; how many boxes they held."""
        found = [folder for root in self._roots for folder in owned_folders(root) if owner_is_dead(folder.name)]
        # Another user's are that user's to sweep.
        orphans = [folder for folder in found if os.access(folder, os.W_OK)]
        boxes = {box.name for orphan in orphans for box in _children(orphan)}
        left = [folder for orphan in orphans for folder in _children(orphan)]
        for folder in left:
            kill_all([int(pid) for pid in text_of(folder / "cgroup.procs").split()])
        # All before the first is removed: what is frozen in one hierarchy holds its place in the others, too.
        for folder in left:
            _thaw_v1(folder)
        for folder in [*left, *orphans]:
            remove_group(folder)
        return len(boxes)


def open_keeper(source: Literal["cgroup2", "cgroup1"]) -> CgroupKeeper:
    """The first place of that kind that really takes a box. Raises SandboxUnavailable with every reason."""
    trees = find_hierarchies(Path("/proc/self/mountinfo").read_text(), Path("/proc/self/cgroup").read_text())
    reasons: list[str] = []
    for keeper in _candidates(trees, source):
        try:
            keeper.probe()
        except (OSError, BoxStartError) as error:
            reasons.append(str(error))
        else:
            return keeper
    raise SandboxUnavailable(f"no writable {source} with memory and pids: {'; '.join(reasons) or 'not mounted'}")


def _candidates(trees: dict[str, Hierarchy], source: str) -> Iterator[CgroupKeeper]:
    if source == "cgroup2" and "" in trees:
        tree = trees[""]
        # Our own group first; a group that holds processes cannot have bounded children, so then its ancestors.
        for parent in [tree.ours, *tree.ours.parents]:
            if parent == tree.root or tree.root in parent.parents:
                yield CgroupKeeper(V2(), [parent], [tree.root])
    if source == "cgroup1" and set(V1_NEEDED) <= trees.keys():
        chosen = [trees[name] for name in V1_NEEDED]
        # With the freezer where it takes boxes, else without it.
        for more in ([trees["freezer"]], []) if "freezer" in trees else ([],):
            used = [*chosen, *more]
            yield CgroupKeeper(V1(), [tree.ours for tree in used], [tree.root for tree in used])


def owned_folders(root: Path) -> list[Path]:
    """Every owner's folder below `root`. Groups come and go meanwhile: one that is gone is no error."""
    return [Path(parent, name) for parent, names, _ in os.walk(root) for name in names if name.startswith(OWNER_PREFIX)]


def remove_group(folder: Path) -> None:
    """Kill what is in the group and remove it. Raises OSError if it is not empty after two seconds."""
    deadline = time.monotonic() + _EMPTY_S
    while folder.exists():
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            kill_all([int(pid) for pid in text_of(folder / "cgroup.procs").split()])
            time.sleep(0.001)


def _thaw_v1(folder: Path) -> None:
    """What v1 has frozen cannot even die."""
    with contextlib.suppress(FileNotFoundError):
        if (folder / "freezer.state").exists():
            (folder / "freezer.state").write_text("THAWED")


def _children(folder: Path) -> list[Path]:
    """The groups in `folder`; none once it is gone."""
    try:
        return [path for path in folder.iterdir() if path.is_dir()]
    except FileNotFoundError:
        return []
