"""Becomes bubblewrap: the few steps that must happen in the new process itself, before it has given anything up.

Run as `python -I -S launcher.py <fd>`; the descriptor holds the plan as JSON. Standard library only, and little of it:
each import delays every box. On failure one JSON line {"launcher-error": …} goes to the plan's status descriptor.
"""

# ruff: noqa: PTH102, PTH112, PTH123  importing pathlib would add milliseconds to every box

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from typing import Any, NoReturn

_CLONE_NEWNS = 0x0002_0000
_MS_BIND, _MS_REC, _MS_PRIVATE, _MS_NOSUID, _MS_NODEV = 0x1000, 0x4000, 0x4_0000, 2, 4
_PR_SET_PDEATHSIG = 1
# Any folder that always exists would do: what lies there stays reachable through descriptors opened before.
STAGING = "/tmp"  # noqa: S108  a private tmpfs of this process's own mount namespace
_CONTROL_FD = 3


def main() -> NoReturn:
    plan = _read_plan(int(sys.argv[1]))
    try:
        _become_bubblewrap(plan)
    except OSError as error:
        os.write(plan["status_fd"], json.dumps({"launcher-error": str(error)}).encode() + b"\n")
    os._exit(1)


def _read_plan(fd: int) -> dict[str, Any]:
    with open(fd, "rb") as file:
        plan: dict[str, Any] = json.load(file)
    return plan


def _become_bubblewrap(plan: dict[str, Any]) -> None:
    # First, before any descriptor that is opened here takes the number.
    if plan["control_fd"] != _CONTROL_FD:
        os.dup2(plan["control_fd"], _CONTROL_FD, inheritable=True)
        os.close(plan["control_fd"])
    _join_cgroups(plan["join"])
    if plan["cpus"] is not None:
        os.sched_setaffinity(0, plan["cpus"])
    libc = ctypes.CDLL(None, use_errno=True)
    # A descriptor, not a path: after the drop the path may be out of reach.
    program = os.open(plan["bwrap"], os.O_RDONLY | os.O_CLOEXEC)
    if plan["drop_to"] is not None:
        _stage(libc, plan["stage"])
        _drop(plan["drop_to"])
    _die_with(libc, plan["parent"])
    _reset_signals()
    os.chdir("/")
    # An empty environment: the box's first process would show ours in /proc/1/environ.
    environment = {"LD_LIBRARY_PATH": plan["libraries"]} if plan["libraries"] else {}
    os.execve(program, ["bwrap", "--args", str(plan["args_fd"]), "--", *plan["command"]], environment)


def _join_cgroups(files: list[str]) -> None:
    for name in files:
        with open(name, "w") as file:
            file.write("0")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _stage(libc: ctypes.CDLL, sources: list[str]) -> None:
    """Bind each source where an unprivileged user can reach it, in a mount namespace of our own.

    Needed because sources may lie below a folder of mode 700, such as root's home.
    """
    _check(libc.unshare(_CLONE_NEWNS), "unshare(CLONE_NEWNS)")
    _check(libc.mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None), "make / private")
    opened = [os.open(source, os.O_PATH | os.O_CLOEXEC) for source in sources]
    flags = _MS_NOSUID | _MS_NODEV
    _check(libc.mount(b"tmpfs", STAGING.encode(), b"tmpfs", flags, b"mode=755,size=1m"), "mount the staging tmpfs")
    for number, fd in enumerate(opened):
        target = f"{STAGING}/{number}"
        _make_like(fd, target)
        origin = f"/proc/self/fd/{fd}".encode()
        _check(libc.mount(origin, target.encode(), None, _MS_BIND | _MS_REC, None), f"bind {sources[number]}")
        os.close(fd)


def _make_like(fd: int, target: str) -> None:
    if os.path.isdir(f"/proc/self/fd/{fd}"):
        os.mkdir(target, 0o755)
    else:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))


def _drop(ids: list[int]) -> None:
    """Become an unprivileged user; the pipes become its own, so that /dev/stdout can be opened again."""
    uid, gid = ids
    for fd in (0, 1, 2):
        os.fchown(fd, uid, gid)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def _die_with(libc: ctypes.CDLL, parent: int) -> None:
    """Be killed when the parent ends. After the change of user, which would clear it."""
    _check(libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:  # it ended before the line above
        os._exit(1)


def _reset_signals() -> None:
    """Python ignores SIGPIPE, and whoever started us may block signals: the program starts with neither."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


if __name__ == "__main__":
    main()
