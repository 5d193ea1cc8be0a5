"""First process of a Docker box: takes the program and its streams from the host, runs it, tells how it ended.

It may be told before to start a standby: an interpreter that imports a stack, and then becomes the program.

Run as `python -I -S shim.py <socket>`. The program shares our user, never our channel: we cannot be dumped, traced or
signalled by it, and nothing that we hold is inherited. Standard library only, and little of it: each import delays
every box.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import select
import signal
import socket
import sys
from typing import Any

_PR_SET_DUMPABLE = 4
Ending = dict[str, object]  # {} where there was none
_RUN, _WARM = b"R", b"W"  # what the host asks for; it gets the second back when a standby is ready
_LENGTH_BYTES = 8
_STREAMS = 4  # stdin, stdout, stderr, control
_CANNOT_RUN = 126
_NOT_FOUND = 127

Standby = tuple[int, socket.socket]


def main() -> None:
    _guard()
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    channel.connect(sys.argv[1])
    try:
        ending = _serve(channel)
    except Exception as error:  # the host must learn of it, whatever it was
        ending = {"error": f"{type(error).__name__}: {error}"}
    _end_all()
    channel.sendall(json.dumps(ending).encode() + b"\n")
    # The host reads the box's last figures, which go with us; a request to end that crossed our line is not its leave.
    while channel.recv(64):
        pass
    os._exit(0)


def _guard() -> None:
    """Be out of the program's reach before there is a program."""
    if os.getpid() != 1:
        sys.exit("the shim ends every process that it sees: it runs as the first of a container only")
    if ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        os._exit(_CANNOT_RUN)
    # The kernel keeps from a first process every signal that it does not handle; Python handles this one.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _serve(channel: socket.socket) -> Ending:
    """One program, from the request to its end; {} if the host ended it."""
    standby = None
    while True:
        kind, fds = _receive(channel)
        if kind == _WARM:
            standby = _start_standby(fds[0])
            channel.sendall(_WARM)
        elif kind == _RUN:
            return _run(channel, fds[:_STREAMS], fds[_STREAMS], standby)
        else:
            return {}


def _receive(channel: socket.socket) -> tuple[bytes, list[int]]:
    message, fds, _, _ = socket.recv_fds(channel, 1, _STREAMS + 1)
    for fd in fds:  # they come inheritable, and the flag against that is ignored before Python 3.12
        os.set_inheritable(fd, False)
    if fds and min(fds) < _STREAMS:
        raise OSError("a descriptor came as one that the program has")
    return message, fds


def _start_standby(request: int) -> Standby:
    """Returns once it has imported what it was told to."""
    with open(request, "rb") as file:
        header = json.loads(file.readline())
    ours, theirs = socket.socketpair()
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        _become(header, [null, null, null, theirs.fileno()])
    os.close(null)
    theirs.close()
    if not ours.recv(1):
        raise OSError("the standby ended before it had imported its stack")
    return pid, ours


def _run(channel: socket.socket, streams: list[int], request: int, standby: Standby | None) -> Ending:
    with open(request, "rb") as file:
        header = json.loads(file.readline())
        for path, size in header["files"]:
            _write(path, file.read(size))
    wake = _wake_on_death()
    program = _fork(header, streams) if standby is None else _hand_over(header, streams, standby)
    for fd in streams:
        os.close(fd)
    return _follow(program, channel, wake)


def _fork(header: dict[str, Any], streams: list[int]) -> int:
    program = os.fork()
    if program == 0:
        _become(header, streams)
    return program


def _hand_over(header: dict[str, Any], streams: list[int], standby: Standby) -> int:
    """The standby becomes the program."""
    program, channel = standby
    order = json.dumps(header).encode()
    socket.send_fds(channel, [len(order).to_bytes(_LENGTH_BYTES, "big")], streams)
    channel.sendall(order)
    channel.close()
    return program


def _write(path: str, data: bytes) -> None:
    """Nothing has run in the box yet: no link can lead elsewhere."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    with open(fd, "wb") as file:
        file.write(data)


def _wake_on_death() -> int:
    """A descriptor that becomes readable when a child has died."""
    read, write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    return read


def _become(header: dict[str, Any], streams: list[int]) -> None:
    """In the child: never returns."""
    try:
        for number, fd in enumerate(streams):
            os.dup2(fd, number, inheritable=True)
        signal.set_wakeup_fd(-1)
        # Python ignores the last two; the program starts with none of that.
        for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        os.chdir("/work")
        _limit(header)
        _execute(header["argv"], header["env"])
    finally:
        os._exit(_CANNOT_RUN)


def _limit(header: dict[str, Any]) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (header["open_files"],) * 2)
    if header["cpu_s"] is not None:
        resource.setrlimit(resource.RLIMIT_CPU, (header["cpu_s"],) * 2)


def _execute(argv: list[str], env: dict[str, str]) -> None:
    try:
        os.execvpe(argv[0], argv, env)
    except OSError as error:
        os.write(2, f"box: failed to execute {argv[0]}: {error.strerror}\n".encode())
        os._exit(_NOT_FOUND if isinstance(error, FileNotFoundError) else _CANNOT_RUN)


def _follow(program: int, channel: socket.socket, wake: int) -> Ending:
    """Bury whatever dies until the program has, or the host asks for the end, or is gone."""
    poller = select.poll()
    poller.register(channel, select.POLLIN)
    poller.register(wake, select.POLLIN)
    while True:
        ready = {fd for fd, _ in poller.poll()}
        if wake in ready:
            os.read(wake, 4096)
            ending = _bury(program)
            if ending is not None:
                return ending
        if channel.fileno() in ready:
            return {}


def _bury(program: int) -> Ending | None:
    """Reap every dead child; how the program ended, if it was among them."""
    ending: Ending | None = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ending
        if pid == 0:
            return ending
        if pid == program:
            code = os.waitstatus_to_exitcode(status)
            ending = {"signal": -code} if code < 0 else {"code": code}


def _end_all() -> None:
    """Kill everything else in the box and wait until it is gone: nothing can be born meanwhile."""
    try:
        os.kill(-1, signal.SIGKILL)
        while True:
            os.waitpid(-1, 0)
    except (ProcessLookupError, ChildProcessError):
        return


if __name__ == "__main__":
    main()
