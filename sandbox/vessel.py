"""What differs between the ways to make a box, as the monitor sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How the box's program ended: one of `code` and `signal`, or `error` where no program ran."""

    code: int | None = None
    signal: int | None = None
    error: str = ""


class Vessel(Protocol):
    """One started box, made one way or another. Used by one monitor thread; `init_pid` may be read from others."""

    @property
    def name(self) -> str:
        """For threads and logs."""
        ...

    @property
    def outer_pid(self) -> int | None:
        """A process of ours outside the box that belongs to it (bubblewrap's own), if there is one."""
        ...

    @property
    def init_pid(self) -> int | None:
        """The box's first process, as we number it; None until it is known."""
        ...

    @property
    def shares_kernel(self) -> bool:
        """Whether the program's processes are processes of ours, too, so that /proc shows them."""
        ...

    def watched(self) -> Sequence[int]:
        """Descriptors that become readable when `look` has something to see; may change with each look."""
        ...

    def look(self, ready: set[int]) -> bool:
        """Take in what the ready descriptors say; True once the box has ended."""
        ...

    def kill(self) -> None:
        """End every process of the box that is not in its account; returns when they are gone, or after two seconds."""
        ...

    def ending(self) -> Ending:
        """How the program ended; asked once, after `kill`."""
        ...

    def close(self) -> None:
        """Give back what is held. Called last, once."""
        ...
