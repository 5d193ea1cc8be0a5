"""Runs one hostile program in one box. Knows nothing of lessons, grades or the site."""

from __future__ import annotations

import os

from sandbox.backend import Backend, Box, LimitCheck, Process
from sandbox.errors import BoxStartError, FrameError, SandboxError, SandboxUnavailable
from sandbox.spec import KIB, MIB, BoxSpec, Mount, Outcome, Usage

__all__ = [
    "KIB",
    "MIB",
    "Backend",
    "Box",
    "BoxSpec",
    "BoxStartError",
    "FrameError",
    "LimitCheck",
    "Mount",
    "Outcome",
    "Process",
    "SandboxError",
    "SandboxUnavailable",
    "Usage",
    "open_backend",
]


def open_backend(name: str = "bubblewrap") -> Backend:
    """The backend of that name: through boxd when $RANKZERO_BOXD names its socket, else in this process.

    Raises SandboxUnavailable, with the fix, where no box can be had.
    """
    if name != "bubblewrap":
        raise SandboxUnavailable(f"there is no sandbox backend {name!r} in this version: use 'bubblewrap'")
    boxd_socket = os.environ.get("RANKZERO_BOXD")
    if boxd_socket:
        from sandbox.boxd.client import BoxdBackend

        return BoxdBackend(boxd_socket)
    from sandbox.bubblewrap import BubblewrapBackend

    return BubblewrapBackend.open()
