"""Runs one hostile program in one box. Knows nothing of lessons, grades or the site."""

from __future__ import annotations

import os

from sandbox.backend import Backend, Box, Lease, LimitCheck, Pod, Process
from sandbox.errors import BoxStartError, FrameError, SandboxError, SandboxUnavailable
from sandbox.opening import open_here, require_name
from sandbox.spec import KIB, MIB, BoxSpec, Mount, Outcome, Usage

__all__ = [
    "KIB",
    "MIB",
    "Backend",
    "Box",
    "BoxSpec",
    "BoxStartError",
    "FrameError",
    "Lease",
    "LimitCheck",
    "Mount",
    "Outcome",
    "Pod",
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
    require_name(name)
    boxd_socket = os.environ.get("RANKZERO_BOXD")
    if not boxd_socket:
        return open_here(name)
    from sandbox.boxd.client import BoxdBackend

    return BoxdBackend(boxd_socket, name)
