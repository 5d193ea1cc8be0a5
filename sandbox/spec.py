"""What a box is given, what it may use, and how it ended."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Literal, get_args

KIB = 1024
MIB = 1024 * KIB
MAX_FILES = 256

Status = Literal[
    "exited",
    "signalled",
    "wall_limit",
    "cpu_limit",
    "memory_limit",
    "inode_limit",
    "killed",
    "box_error",
]
LimitName = Literal["memory", "pids", "cpu", "wall", "disk", "inodes", "open_files", "output"]
WarmStack = Literal["none", "science", "torch", "transformers"]
UsageSource = Literal["cgroup2", "cgroup1", "proc"]

_HOSTNAME = re.compile(r"[a-z][a-z0-9-]{0,30}")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Places that the box makes itself: a mount there would hide or undo a protection.
_RESERVED_TARGETS = frozenset(
    f"/{name}" for name in ("", "proc", "dev", "sys", "etc", "tmp", "work", "usr", "lib", "lib64", "bin", "sbin")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A folder or file of the host shown inside the box, always read-only.

    `source` is absolute and exists when the box is prepared; symbolic links in it are resolved.
    """

    source: Path
    target: str

    def __post_init__(self) -> None:
        if not self.source.is_absolute():
            raise ValueError(f"mount source {str(self.source)!r} must be an absolute path")
        require_box_path(self.target, "mount target")
        if self.target in _RESERVED_TARGETS or self.target.startswith(("/proc/", "/dev/", "/sys/", "/etc/")):
            raise ValueError(f"mount target {self.target!r} belongs to the box: choose another path")


def require_box_path(path: str, what: str) -> None:
    """Raise ValueError unless `path` is absolute and plain: no `..`, no doubled slash, no NUL."""
    plain = path.startswith("/") and "\0" not in path and str(PurePosixPath(path)) == path
    if not plain or ".." in PurePosixPath(path).parts:
        raise ValueError(f"{what} {path!r} must be an absolute path without '..', '//' or a final '/'")


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxSpec:
    """One box: its inputs and its limits.

    `files`: keys are absolute or relative to /work; they count against `disk_bytes` when below /work.
    `memory_bytes`: all processes together, and what they write to /work, /tmp and /dev/shm; there is no swap.
    `pids`: processes and threads together. `cpus`: core numbers, None for every core that we may use.
    `wall_s`, `cpu_s`: seconds; `cpu_s` sums all processes, None for no limit of its own.
    `disk_bytes`: room of /work; /tmp has as much of its own. `shm_bytes`: room of /dev/shm.
    `inodes`: files and folders in /work, /tmp and /dev/shm together.
    `open_files`: per process; one more than a power of two (256 or above) shows best when it is met: descriptors.py.
    `output_bytes`: how much of each output stream a capture keeps; the rest is drained and dropped with a note, so a
    flood ends no box.
    `warm`: a stack that may be imported already when the program starts; a wish, which a backend that keeps no such
    template meets with a cold start. `gpus`: NVIDIA device numbers.
    `env`: the whole environment; PATH, HOME, LANG and TMPDIR have defaults.
    """

    mounts: tuple[Mount, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    memory_bytes: int = 512 * MIB
    pids: int = 64
    cpus: tuple[int, ...] | None = None
    wall_s: float = 10.0
    cpu_s: float | None = None
    disk_bytes: int = 64 * MIB
    shm_bytes: int = 64 * MIB
    inodes: int = 50_000
    open_files: int = 257
    output_bytes: int = 256 * KIB
    gpus: tuple[int, ...] = ()
    warm: WarmStack = "none"
    env: Mapping[str, str] = field(default_factory=dict)
    hostname: str = "box"

    def __post_init__(self) -> None:
        # Copies behind a read-only view: a spec does not change after it was checked.
        object.__setattr__(self, "files", MappingProxyType(dict(self.files)))
        object.__setattr__(self, "env", MappingProxyType(dict(self.env)))
        self._check_sizes()
        self._check_names()
        self._check_files()

    def _check_sizes(self) -> None:
        floors = {
            "memory_bytes": 16 * MIB,
            "disk_bytes": 4096,
            "shm_bytes": 4096,
            "output_bytes": KIB,
            "pids": 1,
            "open_files": 16,
            "inodes": 16,
        }
        for name, floor in floors.items():
            if getattr(self, name) < floor:
                raise ValueError(f"{name} must be at least {floor}, not {getattr(self, name)}")
        for name in ("wall_s", "cpu_s"):
            seconds = getattr(self, name)
            if seconds is not None and not (math.isfinite(seconds) and seconds > 0):
                raise ValueError(f"{name} must be a positive number of seconds, not {seconds}")

    def _check_names(self) -> None:
        if not _HOSTNAME.fullmatch(self.hostname):
            raise ValueError(f"hostname {self.hostname!r} must be lower-case letters, digits and '-', 31 at most")
        if self.cpus is not None and (not self.cpus or min(self.cpus) < 0):
            raise ValueError("cpus must name at least one core, or be None for all")
        if self.warm not in get_args(WarmStack):
            raise ValueError(f"warm must be one of {', '.join(get_args(WarmStack))}, not {self.warm!r}")
        if any(gpu < 0 for gpu in self.gpus):
            raise ValueError("gpus must be device numbers from 0")
        for name, value in self.env.items():
            if not _ENV_NAME.fullmatch(name) or "\0" in value:
                raise ValueError(f"environment variable {name!r} has a bad name or a NUL in its value")

    def _check_files(self) -> None:
        if len(self.files) > MAX_FILES:
            raise ValueError(f"files holds {len(self.files)} files: {MAX_FILES} at most, each takes a descriptor")
        for name in self.files:
            require_box_path(self.file_path(name), "file")
        in_work = sum(len(data) for name, data in self.files.items() if self.file_path(name).startswith("/work/"))
        if in_work > self.disk_bytes:
            raise ValueError(f"files hold {in_work} bytes, more than disk_bytes ({self.disk_bytes})")

    @staticmethod
    def file_path(name: str) -> str:
        """Where a key of `files` lies in the box."""
        return name if name.startswith("/") else f"/work/{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a box used, read from its cgroup or from /proc by us; nothing in it comes from the guest."""

    wall_s: float
    cpu_s: float
    peak_memory_bytes: int
    source: UsageSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a box ended. `status` names the limit that ended it, if one did; `detail` is a sentence for a person.

    `hits`: every limit that was met, whether it ended the box (memory, cpu, wall, inodes) or only refused the program
    something (pids, disk, open_files, output). What is over again within 50 ms may be missed for disk and open_files.
    `exit_code` is set for "exited", `signal` for "signalled". A program that exits with 128 + N counts as signalled N:
    bubblewrap folds the two together.
    """

    status: Status
    exit_code: int | None
    signal: int | None
    usage: Usage
    detail: str
    hits: tuple[LimitName, ...] = ()

    def with_hits(self, *names: LimitName) -> Outcome:
        """The same with these limits among `hits`, for whoever saw one that the box's monitor cannot see (output)."""
        met = {*self.hits, *names}
        return replace(self, hits=tuple(name for name in get_args(LimitName) if name in met))
