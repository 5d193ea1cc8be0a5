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


class Pod(Protocol):
    """One loopback for all boxes that are put into it, and nothing else. A context manager; ends its boxes with it.

    Boxes of a pod share abstract unix sockets and ports: nothing in a pod trusts either.
    """

    name: str

    def close(self) -> None:
        """End the pod. Safe to call twice."""
        ...

    def __enter__(self) -> Pod: ...

    def __exit__(self, *_: object) -> None: ...


class Lease(Protocol):
    """Cores and GPUs that nobody else uses until `release`. A context manager."""

    cores: tuple[int, ...]
    gpus: tuple[int, ...]

    def release(self) -> None:
        """Give them back. Safe to call twice."""
        ...

    def __enter__(self) -> Lease: ...

    def __exit__(self, *_: object) -> None: ...


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

    def freeze(self) -> None:
        """Stop every process of the box, threads and children too; returns when none of them can run.

        Frozen time counts as wall time. Raises BoxStartError where that cannot be had; nothing once the box has ended.
        """
        ...

    def thaw(self) -> None:
        """Let them go on."""
        ...

    def pids(self) -> list[int]:
        """The processes of the box as we number them, now; none before it starts and after it ended."""
        ...


class Backend(Protocol):
    """A way to make boxes."""

    name: str

    def prepare(self, spec: BoxSpec, *, pod: Pod | None = None) -> Box:
        """Check the spec against this machine. `pod`: one that this backend opened, else the box is alone.

        Raises ValueError or BoxStartError.
        """
        ...

    def open_pod(self) -> Pod:
        """Raises BoxStartError."""
        ...

    def lease(self, *, cores: int = 0, gpus: int = 0, wait_s: float | None = None) -> Lease:
        """Take that many for oneself alone, waiting `wait_s` seconds at most (None: as long as it takes).

        Boxes whose spec names no cores keep away from leased ones. Raises ValueError for more than the machine can ever
        give, TimeoutError.
        """
        ...

    def check(self) -> list[LimitCheck]:
        """Each limit and how it is enforced here, for `doctor`."""
        ...
