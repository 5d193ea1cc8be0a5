"""Makes one box out of a copy of this process: the copy is the box's first process, its only child the learner's.

Both are made ahead. The first waits until the host has put it into its cgroup; then its child waits for the order,
which comes from the host itself, with only milliseconds of work left. What the template's process sees of a box are
two descriptors.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn, Protocol

from sandbox.warm.inside import area, kernel, lockdown, rootfs
from sandbox.warm.inside.order import Order

_NEW_NS, _NEW_CGROUP, _NEW_UTS, _NEW_IPC = 0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000
_NEW_USER, _NEW_PID, _NEW_NET = 0x1000_0000, 0x2000_0000, 0x4000_0000
_NAMESPACES = _NEW_NS | _NEW_UTS | _NEW_IPC | _NEW_USER | _NEW_PID | _NEW_NET
_SIOCSIFFLAGS, _IFF_UP, _IFF_RUNNING = 0x8914, 0x1, 0x40
_MAX_FDS = 200
_STREAMS = 4
_LONGEST = 4096
_MAX_FILTER = 64 * 1024

# The host's words to a copy: its cgroup holds it now (and the filter); with descriptors, its order.
PLACED, ORDER = b"p", b"o"
# A copy's words to the host, on its link until the order is there: it waits for an order.
WAITS = b"w"
# On its status pipe: the box stands; how the program ended; that there is no box, and why.
STANDS, ENDED, FAILED = b"s", b"e", b"f"


class Learner(Protocol):
    """What the copy's child becomes."""

    def prepare(self) -> None:
        """All that can be done before the order is there."""
        ...

    def run(self, order: Order) -> NoReturn: ...


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
        with _telling(status):
            lockdown.die_with_parent()
            _map_user(*self.user)
            program = _await_place(link)
            _make_own(self.shared)
            # Neither process can be read or changed by others of its user; the learner's once it gave its rights up.
            lockdown.set_readable(by_others=False)
            child = os.fork()
            if child == 0:
                try:
                    self._be_learner(link, status, program)
                finally:
                    os._exit(1)
            os.close(link.detach())
            area.show([])
            lockdown.drop_privileges()
            lockdown.filter_system_calls(program)
            _reap_until(child, status)

    def _be_learner(self, link: socket.socket, status: int, program: bytes) -> None:
        with _telling(status):
            self.learner.prepare()
            link.send(WAITS)
            order, streams, trees = _receive_order(link)
            _furnish(order, trees)
            status = lockdown.arrange_descriptors(streams, status)
            lockdown.set_limits(order.plain["limits"])
            lockdown.drop_privileges()
            lockdown.set_readable(by_others=True)
            lockdown.filter_system_calls(program)
            os.write(status, STANDS)
            os.close(status)
        self.learner.run(order)


@contextlib.contextmanager
def _telling(status: int) -> Iterator[None]:
    """What goes wrong is told to the host, which calls it a box that could not be set up; then it is over."""
    try:
        yield
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.write(status, FAILED + str(error).encode()[:_LONGEST].replace(b"\n", b" ") + b"\n")
        os._exit(1)


def _await_place(link: socket.socket) -> bytes:
    """Wait until the host has put us into our cgroup; with that comes the system call filter."""
    said = link.recv(_MAX_FILTER)
    if said[:1] != PLACED:
        raise OSError("the host took the copy back")
    return said[1:]


def _make_own(shared: Sequence[str]) -> None:
    """All that needs rights and is the same for every box."""
    # Only now: before, our cgroup was still the template's, and would show.
    kernel.unshare(_NEW_CGROUP)
    os.setsid()
    kernel.new_session_keyring()
    _bring_loopback_up()
    with _no_umask():
        rootfs.build(shared)
    lockdown.reset_signals()


@contextlib.contextmanager
def _no_umask() -> Iterator[None]:
    umask = os.umask(0)
    yield
    os.umask(umask)


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
    with _no_umask():
        rootfs.fill(plain["disks"], plain["etc"], dict(zip(plain["mounts"], trees, strict=True)))
        order.write_files()
    rootfs.seal()
    os.chdir("/work")


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
