"""What every sandbox backend offers."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from sandbox.spec import BoxSpec, Outcome, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitCheck:
    """One limit or wall of the box: how it is enforced on this machine, and whether it is."""

    name: str
    how: str
    ok: bool


class Process(Protocol):
    """A started program. The caller reads stdout and stderr (sandbox.capture helps), or it blocks at a full pipe.

    `control` is our end of a stream socket whose other end is file descriptor 3 in the box.
    """

    stdin: BinaryIO
    stdout: BinaryIO
    stderr: BinaryIO
    control: socket.socket

    def wait(self) -> Outcome:
        """Block until every process of the box is gone; the same Outcome each time."""
        ...

    def close(self) -> None:
        """Kill the box if it still runs, wait, and close the four streams. Safe to call twice."""
        ...


class Box(Protocol):
    """One box, used once."""

    def start(self, argv: Sequence[str]) -> Process:
        """Run `argv`: program first, absolute or found on the box's PATH.

        Raises BoxStartError, or RuntimeError the second time.
        """
        ...

    def usage(self) -> Usage:
        """What was used up to now; final once the box has ended."""
        ...

    def kill(self) -> None:
        """End every process of the box; returns when they are gone, within two seconds. Safe at any time."""
        ...


class Backend(Protocol):
    """A way to make boxes."""

    name: str

    def prepare(self, spec: BoxSpec) -> Box:
        """Check the spec against this machine. Raises ValueError or BoxStartError."""
        ...

    def check(self) -> list[LimitCheck]:
        """Each limit and how it is enforced here, for `doctor`."""
        ...
