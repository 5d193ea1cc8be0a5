"""What can go wrong before a program runs. What the program does is an Outcome, never an exception."""

from __future__ import annotations


class SandboxError(Exception):
    """Anything that the sandbox could not do; the message is one line that says what to do."""


class SandboxUnavailable(SandboxError):  # noqa: N818  a state of the machine, named so in the architecture
    """No box can be had on this machine as it is; the message names the fix."""


class BoxStartError(SandboxError):
    """One box could not be started; the machine as a whole can run boxes."""


class FrameError(SandboxError):
    """Bytes on a control channel that are not a frame of the agreed shape and size."""
