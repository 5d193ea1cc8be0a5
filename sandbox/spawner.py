"""Makes the processes that become bubblewrap: few and cheap, because everything is imported once.

Run as `python -I -S spawner.py <fd> <owner's pid>`; standard library only. One thread; it ends with its owner, and
every process that it made ends with it. The descriptor is a packet socket on which the owner asks, in JSON, for:

spare     a forked process that has joined the groups whose descriptors came along, and waits on the last of them, a
          socket, to be told what to become: packets of descriptors, each with how many there are in all; the first
          descriptor holds the steps as JSON, then come the box's streams, namespaces to enter, and held files
stage     a folder bound where an unprivileged user can reach it; unstage takes it away
pod       the descriptors of namespaces with a loopback of their own (the last is the network)

What a spare cannot do it writes as one JSON line {"launcher-error": …} to the status descriptor of its steps.
"""

# ruff: noqa: PTH102, PTH106, PTH108, PTH112, PTH123  importing pathlib would double what each fork copies

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
from typing import Any, NoReturn

_CLONE_NEWNS, _CLONE_NEWUSER, _CLONE_NEWNET = 0x0002_0000, 0x1000_0000, 0x4000_0000
_MS_BIND, _MS_REC, _MS_SLAVE, _MS_NOSUID, _MS_NODEV = 0x1000, 0x4000, 0x8_0000, 2, 4
_MNT_DETACH = 2
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_SYS_RT_SIGACTION = 13
_SIGNALS_OF_LIBC = (32, 33)  # glibc keeps them from its callers, and lets its posix_spawn (GNU make's) ignore the first
_DEFAULT_ACTION = bytes(32)  # the kernel's struct sigaction: no handler, flags, restorer or mask
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
# Any folder would do that always exists and that neither bubblewrap nor a mount needs. It is covered in a mount
# namespace of this process's own.
STAGING = "/sys"
# Descriptors for bubblewrap come here, clear of those that are received and of bubblewrap's own.
FIRST_HELD = 512
_STREAMS = 4  # 0, 1, 2 and the control channel
_MOST_FDS = 250  # of one packet; the kernel's limit is 253
_WANTED_FDS = 4096
_REQUEST_BYTES = 64 * 1024

_libc = ctypes.CDLL(None, use_errno=True)


class Spawner:
    """Serves one owner."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._pid = os.getpid()
        self._wake_r, self._wake_w = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(self._wake_w)
        signal.signal(signal.SIGCHLD, _nothing)

    def serve(self) -> None:
        """Until the owner is gone."""
        poller = select.poll()
        poller.register(self._link, select.POLLIN)
        poller.register(self._wake_r, select.POLLIN)
        while True:
            ready = {fd for fd, _ in poller.poll()}
            if self._wake_r in ready:
                os.read(self._wake_r, 4096)
                _reap()
            if self._link.fileno() in ready and not self._answer():
                return

    def _answer(self) -> bool:
        request, fds, _, _ = socket.recv_fds(self._link, _REQUEST_BYTES, _MOST_FDS)
        if not request:
            return False
        reply_fds: list[int] = []
        try:
            reply, reply_fds = self._do(json.loads(request), fds)
        except OSError as error:
            reply = {"error": str(error)}
        socket.send_fds(self._link, [json.dumps(reply).encode()], reply_fds)
        for fd in [*fds, *reply_fds]:
            os.close(fd)
        return True

    def _do(self, request: dict[str, Any], fds: list[int]) -> tuple[dict[str, Any], list[int]]:
        if request["op"] == "spare":
            pid = self._fork_spare(fds)
            return {"pid": pid}, [os.pidfd_open(pid)]
        if request["op"] == "stage":
            _stage(request["source"], request["number"])
        elif request["op"] == "unstage":
            _unstage(request["number"])
        elif request["op"] == "pod":
            return {}, _pod_namespaces(privileged=os.geteuid() == 0)
        return {}, []

    def _fork_spare(self, fds: list[int]) -> int:
        pid = os.fork()
        if pid == 0:
            try:
                self._link.close()
                os.close(self._wake_r)
                os.close(self._wake_w)
                _be_spare(fds, self._pid)
            finally:
                os._exit(1)
        return pid


def main() -> NoReturn:
    link = socket.socket(fileno=int(sys.argv[1]))
    _die_with(int(sys.argv[2]))
    _allow_descriptors()
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)  # a box's first process comes to us when bubblewrap dies before it
    if os.geteuid() == 0:
        _cover_staging()
    Spawner(link).serve()
    os._exit(0)


def _allow_descriptors() -> None:
    """Held files have high numbers. What the box may open is set later."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _WANTED_FDS if hard == resource.RLIM_INFINITY else min(hard, _WANTED_FDS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


def _nothing(*_: object) -> None:
    """A signal without a handler would not wake the poll."""


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


# --- a spare ----------------------------------------------------------------------------------------------------------


def _be_spare(fds: list[int], parent: int) -> None:
    """Everything that can be done before it is known what for."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _die_with(parent)
    *groups, link = fds
    with socket.socket(fileno=link) as sock:
        sock.send(_joined(groups))
        given = _receive_all(sock)
    if given:
        _become(given, parent)


def _joined(groups: list[int]) -> bytes:
    """Join each group; what to say of it: nothing but "r" if that worked."""
    try:
        for group in groups:
            os.write(group, b"0")
            os.close(group)
    except OSError as error:
        return f"cannot join the box's cgroup: {error}".encode()
    return b"r"


def _receive_all(sock: socket.socket) -> list[int]:
    """The descriptors of all packets; none if the owner wants this process to end."""
    fds: list[int] = []
    while True:
        packet, more, _, _ = socket.recv_fds(sock, 16, _MOST_FDS)
        if not packet:
            return []
        fds += more
        if len(fds) == int(packet):
            return fds


def _become(fds: list[int], parent: int) -> None:
    with os.fdopen(fds[0], "rb") as file:
        steps = json.load(file)
    try:
        _take_places(fds[1:], steps["entered"])
        _become_bubblewrap(steps, parent)
    except (OSError, ValueError) as error:
        os.write(steps["status_fd"], json.dumps({"launcher-error": str(error)}).encode() + b"\n")


def _take_places(fds: list[int], entered: list[int]) -> None:
    """Give each descriptor its number: held ones, then streams; namespaces are entered and closed."""
    streams, rest = fds[:_STREAMS], fds[_STREAMS:]
    namespaces, held = rest[: len(entered)], rest[len(entered) :]
    for number, fd in enumerate(held, FIRST_HELD):
        os.dup2(fd, number, inheritable=True)
    for fd, kind in zip(namespaces, entered, strict=True):
        _check(_libc.setns(fd, kind), "setns")
    # By way of numbers that are no stream's: those that came may have a stream's number.
    above = [os.dup2(fd, FIRST_HELD - _STREAMS + number, inheritable=False) for number, fd in enumerate(streams)]
    for fd in fds:
        os.close(fd)
    for number, fd in enumerate(above):
        os.dup2(fd, number, inheritable=True)


def _become_bubblewrap(steps: dict[str, Any], parent: int) -> None:
    os.sched_setaffinity(0, steps["cpus"])
    # A descriptor, not a path: after the drop the path may be out of reach.
    program = os.open(steps["bwrap"], os.O_RDONLY | os.O_CLOEXEC)
    for name, value in steps["limits"].items():
        resource.setrlimit(getattr(resource, name), (value, value))
    if steps["drop_to"] is not None:
        _drop(steps["drop_to"])
    _die_with(parent)
    _reset_signals()
    os.chdir("/")
    # An empty environment: the box's first process would show ours in /proc/1/environ.
    environment = {"LD_LIBRARY_PATH": steps["libraries"]} if steps["libraries"] else {}
    os.execve(program, ["bwrap", *steps["args"]], environment)


def _drop(ids: list[int]) -> None:
    """Become an unprivileged user; the pipes become its own, so that /dev/stdout can be opened again."""
    uid, gid = ids
    for fd in (0, 1, 2):
        os.fchown(fd, uid, gid)
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def _die_with(parent: int) -> None:
    """Be killed when the parent ends. To be said again after a change of user, which clears it."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before the line above
        os._exit(1)


def _reset_signals() -> None:
    """Python ignores SIGPIPE; whoever started us may ignore others (a shell's background jobs ignore SIGINT) or block

    them. The program starts with none of that.
    """
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_DFL)
    for hidden in _SIGNALS_OF_LIBC:
        _libc.syscall(_SYS_RT_SIGACTION, hidden, _DEFAULT_ACTION, None, ctypes.c_size_t(8))
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


# --- staging ----------------------------------------------------------------------------------------------------------


def _cover_staging() -> None:
    """A mount namespace of our own that follows the machine's, with room for staged folders."""
    _check(_libc.unshare(_CLONE_NEWNS), "unshare(CLONE_NEWNS)")
    _check(_libc.mount(None, b"/", None, _MS_REC | _MS_SLAVE, None), "detach / from the machine's")
    flags = _MS_NOSUID | _MS_NODEV
    _check(_libc.mount(b"tmpfs", STAGING.encode(), b"tmpfs", flags, b"mode=755,size=1m"), "mount the staging tmpfs")


def _stage(source: str, number: int) -> None:
    """Bind `source` where an unprivileged user can reach it: it may lie below a folder of mode 700, as root's home."""
    target = f"{STAGING}/{number}"
    if os.path.isdir(source):
        os.mkdir(target, 0o755)
    else:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o644))
    _check(_libc.mount(source.encode(), target.encode(), None, _MS_BIND | _MS_REC, None), f"bind {source}")


def _unstage(number: int) -> None:
    target = f"{STAGING}/{number}"
    _check(_libc.umount2(target.encode(), _MNT_DETACH), f"unmount {target}")
    if os.path.isdir(target):
        os.rmdir(target)
    else:
        os.unlink(target)


# --- pods -------------------------------------------------------------------------------------------------------------


def _pod_namespaces(*, privileged: bool) -> list[int]:
    """Made by a process that ends at once: the descriptors keep them."""
    names = ["net"] if privileged else ["user", "net"]
    ready_r, ready_w = os.pipe2(os.O_CLOEXEC)
    hold_r, hold_w = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        try:
            os.close(hold_w)
            _make_pod(privileged=privileged)
            os.write(ready_w, b"r")
            os.read(hold_r, 1)
        finally:
            os._exit(0)
    os.close(ready_w)
    os.close(hold_r)
    try:
        if not os.read(ready_r, 1):
            raise OSError("a network namespace with a loopback cannot be made")
        return [os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC) for name in names]
    finally:
        os.close(ready_r)
        os.close(hold_w)


def _make_pod(*, privileged: bool) -> None:
    uid, gid = os.geteuid(), os.getegid()
    _check(_libc.unshare(_CLONE_NEWNET | (0 if privileged else _CLONE_NEWUSER)), "unshare")
    if not privileged:
        for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        wanted = struct.pack("16sH14x", b"lo", 0)
        (flags,) = struct.unpack("16xH14x", fcntl.ioctl(sock, _SIOCGIFFLAGS, wanted))
        fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | _IFF_UP))


def _prctl(option: int, value: int) -> None:
    _check(_libc.prctl(option, value, 0, 0, 0), f"prctl({option})")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


if __name__ == "__main__":
    main()
