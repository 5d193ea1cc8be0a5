"""What a copy gives up before it becomes a learner's: limits, descriptors, signals, capabilities, system calls."""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import signal
import struct
from collections.abc import Sequence

from sandbox.warm.inside import kernel

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP = 1, 4, 22
_PR_SET_SECUREBITS, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 28, 38, 47
_PR_CAP_AMBIENT_CLEAR_ALL = 4
_SECCOMP_MODE_FILTER = 2
# NOROOT, NO_SETUID_FIXUP, KEEP_CAPS off, each locked; and no ambient capability, locked.
_SECUREBITS = 0x01 | 0x02 | 0x04 | 0x08 | 0x20 | 0x40 | 0x80
_FILTER_STEP = 8
_CLEAR_OF = 64  # where descriptors wait while 0 to 3 are arranged
# Python's own at its start: what an interpreter that has just begun has.
_IGNORED = (signal.SIGPIPE, signal.SIGXFSZ)


def arrange_descriptors(wanted: Sequence[int], keep: int) -> int:
    """`wanted` become 0, 1, 2, …; `keep` comes after them, closed on exec; every other one is closed.

    Returns the new number of `keep`.
    """
    held = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _CLEAR_OF) for fd in (*wanted, keep)]
    for number, fd in enumerate(held[:-1]):
        os.dup2(fd, number, inheritable=True)
    kept = len(wanted)
    os.dup2(held[-1], kept, inheritable=False)
    kernel.close_from(kept + 1)
    return kept


def set_limits(limits: Sequence[tuple[int, int]]) -> None:
    """Soft and hard alike."""
    for number, value in limits:
        resource.setrlimit(number, (value, value))


def reset_signals() -> None:
    for number in signal.valid_signals():
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_IGN if number in _IGNORED else signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def die_with_parent() -> None:
    kernel.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def set_readable(*, by_others: bool) -> None:
    """Whether processes of the same user may read our memory, environment and descriptors through /proc."""
    kernel.prctl(_PR_SET_DUMPABLE, int(by_others))


def drop_privileges() -> None:
    """No capability now or ever again."""
    capability = 0
    while kernel.drop_from_bounding_set(capability):
        capability += 1
    kernel.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    kernel.prctl(_PR_SET_SECUREBITS, _SECUREBITS)
    kernel.drop_capabilities()
    kernel.prctl(_PR_SET_NO_NEW_PRIVS, 1)


def filter_system_calls(program: bytes) -> None:
    """`program`: struct sock_filter[]. It comes on top of the template's own."""
    steps = ctypes.create_string_buffer(program, len(program))
    header = ctypes.create_string_buffer(
        struct.pack("HxxxxxxQ", len(program) // _FILTER_STEP, ctypes.addressof(steps)), 16
    )
    kernel.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.c_void_p(ctypes.addressof(header)))
