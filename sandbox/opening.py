"""Opens a backend in this process, by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from sandbox.backend import Box, Lease, LimitCheck, Pod
from sandbox.errors import SandboxUnavailable
from sandbox.leases import Place
from sandbox.spec import BoxSpec, Outcome

NAMES = ("bubblewrap", "docker")


class LocalRun(Protocol):
    """A program that runs."""

    def wait(self) -> Outcome: ...


class LocalBox(Box, Protocol):
    """A box whose program can be given descriptors of the caller's."""

    def start_with(self, argv: Sequence[str], fds: Sequence[int], place: Place | None = None) -> LocalRun:
        """As `start`, on these four descriptors (stdin, stdout, stderr, control), which stay the caller's to close.

        `place`: taken from this process's book for this box, which gives it back; without, the box takes one itself.
        """
        ...


class LocalBackend(Protocol):
    """A `Backend` of this process, whose boxes are such."""

    name: str

    def prepare(self, spec: BoxSpec, *, pod: Pod | None = None) -> LocalBox: ...

    def open_pod(self) -> Pod: ...

    def lease(self, *, cores: int = 0, gpus: int = 0, wait_s: float | None = None) -> Lease: ...

    def check(self) -> list[LimitCheck]: ...


@runtime_checkable
class Closing(Protocol):
    """A backend that holds something between boxes; whoever opened it closes it."""

    def close(self) -> None: ...


def require_name(name: str) -> None:
    """Raises SandboxUnavailable for a backend that there is not."""
    if name not in NAMES:
        raise SandboxUnavailable(f"there is no sandbox backend {name!r}: use {' or '.join(map(repr, NAMES))}")


def open_here(name: str) -> LocalBackend:
    """Open the backend in this process; what an owner that died left behind is swept.

    Raises SandboxUnavailable, with the fix.
    """
    require_name(name)
    if name == "bubblewrap":
        from sandbox.bubblewrap import BubblewrapBackend

        return BubblewrapBackend.open()
    try:
        from sandbox.docker.backend import DockerBackend
    except ImportError as error:
        raise SandboxUnavailable(
            f"the docker backend cannot be loaded ({error}): run it from .venv, with requirements/web.txt installed"
        ) from error
    return DockerBackend.open()
