"""Makes one box out of a copy of this process: the copy is the box's first process, its only child the learner's.

A copy is made ahead and waits: first until the host has put it into its cgroup, then for its order.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from sandbox.warm.inside import area, kernel, lockdown, rootfs
from sandbox.warm.inside.order import Order

_NEW_NS, _NEW_CGROUP, _NEW_UTS, _NEW_IPC = 0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000
_NEW_USER, _NEW_PID, _NEW_NET = 0x1000_0000, 0x2000_0000, 0x4000_0000
_NAMESPACES = _NEW_NS | _NEW_UTS | _NEW_IPC | _NEW_USER | _NEW_PID | _NEW_NET
_SIOCSIFFLAGS, _IFF_UP, _IFF_RUNNING = 0x8914, 0x1, 0x40
_MAX_FDS = 200
_STREAMS = 4
_LONGEST = 4096

# The host's words to a copy: its cgroup holds it now; with descriptors, its order.
PLACED, ORDER = b"p", b"o"
# A copy's words to the host, on its link until the order is there: it waits for an order.
WAITS = b"w"
# On its status pipe: the box stands; how the program ended; that there is no box, and why.
STANDS, ENDED, FAILED = b"s", b"e", b"f"

Learner = Callable[[Order], NoReturn]


@dataclass(frozen=True, slots=True)
class Maker:
    """What every copy of this template has alike. `user`: our own uid and gid, which are the box's, too."""

    user: tuple[int, int]
    shared: Sequence[str]
    learner: Learner

    def copy(self, link: int, status: int) -> int:
        """Start a box's first process; its pid as we see it. Both descriptors are for it. Raises OSError."""
        python = ctypes.pythonapi
        python.PyOS_BeforeFork()
        try:
            pid = kernel.clone(_NAMESPACES | signal.SIGCHLD)
        except OSError:
            python.PyOS_AfterFork_Parent()
            raise
        if pid:
            python.PyOS_AfterFork_Parent()
            return pid
        try:
            python.PyOS_AfterFork_Child()
            self._be_first_process(socket.socket(fileno=link), status)
        finally:
            os._exit(1)  # whatever happened: nothing of the template's own may run on in here

    def _be_first_process(self, link: socket.socket, status: int) -> None:
        try:
            self._prepare(link)
            order, streams, trees = _receive_order(link)
            umask = os.umask(0)
            _furnish(order, trees)
            os.umask(umask)
            program = order.filter()
            status = lockdown.arrange_descriptors(streams, status)
            _give_up(order, program)
            os.write(status, STANDS)
            child = os.fork()
        except BaseException as error:  # told to the host, which calls it a box that could not be set up
            os.write(status, FAILED + str(error).encode()[:_LONGEST])
            return
        if child == 0:
            try:
                os.close(status)
                lockdown.set_readable(by_others=True)
                self.learner(order)
            finally:
                os._exit(1)
        _reap_until(child, status)

    def _prepare(self, link: socket.socket) -> None:
        """All that is the same for every box."""
        lockdown.die_with_parent()
        _map_user(*self.user)
        if link.recv(1) != PLACED:
            raise OSError("the host took the copy back")
        # Only now: before, our cgroup was still the template's, and would show.
        kernel.unshare(_NEW_CGROUP)
        os.setsid()
        kernel.new_session_keyring()
        _bring_loopback_up()
        umask = os.umask(0)
        rootfs.build(self.shared)
        os.umask(umask)
        link.send(WAITS)


def _receive_order(link: socket.socket) -> tuple[Order, list[int], list[int]]:
    """The order, the four streams and the mounts."""
    said, fds, _, _ = socket.recv_fds(link, 1, _MAX_FDS, socket.MSG_CMSG_CLOEXEC)
    if said != ORDER:
        raise OSError("the host took the copy back")
    return Order.read(fds[0]), fds[1 : 1 + _STREAMS], fds[1 + _STREAMS :]


def _furnish(order: Order, trees: Sequence[int]) -> None:
    plain = order.plain
    os.sched_setaffinity(0, plain["cpus"])
    socket.sethostname(plain["hostname"])
    rootfs.fill(plain["disks"], plain["etc"], dict(zip(plain["mounts"], trees, strict=True)))
    order.write_files()
    rootfs.seal()
    os.chdir("/work")


def _give_up(order: Order, program: bytes) -> None:
    lockdown.set_limits(order.plain["limits"])
    lockdown.reset_signals()
    area.show([])
    # The learner's process has our user: it must not read or change the one that reports how it ended.
    lockdown.set_readable(by_others=False)
    lockdown.drop_privileges()
    lockdown.filter_system_calls(program)


def _map_user(uid: int, gid: int) -> None:
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def _bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sH14x", b"lo", _IFF_UP | _IFF_RUNNING)
        fcntl.ioctl(sock, _SIOCSIFFLAGS, request)


def _reap_until(child: int, status: int) -> None:
    """Wait for the learner's process; the kernel ends all others of the box with us."""
    kernel.close_below(status)
    while True:
        with contextlib.suppress(InterruptedError):
            pid, how = os.wait()
            if pid == child:
                os.write(status, ENDED + str(os.waitstatus_to_exitcode(how)).encode())
                return
