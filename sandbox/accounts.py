"""Where a box's use is read and bounded: a cgroup (v2 or v1), or /proc where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sandbox.freezing import Freezer
from sandbox.spec import UsageSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One look at a box. `peak_memory_bytes` leaves out page cache of host files; `out_of_memory`: it hit its limit.

    `pids_refused`: a fork or thread was refused for `pids`, which only a cgroup tells.
    """

    cpu_s: float
    peak_memory_bytes: int
    out_of_memory: bool
    pids_refused: bool = False


class Account(Protocol):
    """The books of one box."""

    @property
    def source(self) -> UsageSource: ...

    @property
    def poll_s(self) -> float:
        """How often the limits must be looked at, in seconds."""
        ...

    def join_files(self) -> Sequence[Path]:
        """Files into which the launcher writes 0 to join, before it becomes the box."""
        ...

    def attach(self, outer_pid: int | None, inner_pid: int | None) -> None:
        """Name the box's process outside, if it has one, and once known the box's first process."""
        ...

    def read(self) -> Reading: ...

    def members(self) -> list[int]:
        """Process ids that belong to the box now."""
        ...

    def kill(self) -> None:
        """SIGKILL to every member; those born meanwhile may be missed: call it until `members` is empty."""
        ...

    def freezer(self) -> Freezer:
        """How this box is frozen; the same one each time."""
        ...

    def remove(self) -> None:
        """Give back what the account holds; the box is empty."""
        ...


class FreshAccount(Account, Protocol):
    """One that was made ahead and has no bounds yet."""

    def bound(self, *, memory_bytes: int, pids: int) -> None:
        """Set the bounds; what was used up to now is not the box's. Raises BoxStartError."""
        ...


class AccountKeeper(Protocol):
    """Opens accounts of one kind on this machine."""

    @property
    def source(self) -> UsageSource: ...

    @property
    def bounds_pids(self) -> bool:
        """Whether its accounts hold the number of processes, or somebody else must."""
        ...

    @property
    def freezes_by(self) -> str:
        """How its accounts freeze a box, for `doctor`."""
        ...

    def make(self) -> FreshAccount:
        """Raises BoxStartError."""
        ...

    def open(self, *, memory_bytes: int, pids: int) -> Account:
        """One with bounds. Raises BoxStartError."""
        ...

    def sweep(self) -> int:
        """End and remove what dead owners left; how many boxes that were."""
        ...
