"""A process that imports a stack, computes nothing, and makes boxes out of copies of itself.

`python -m sandbox.warm.inside.template <JSON of what to import and share>`; descriptor 3 is the host's. It says one
JSON line when it is ready, or why it refuses; then each one-byte request comes with a copy's link and status pipe, and
is answered by one byte with a pidfd, or by a line that says what failed.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from sandbox.warm.inside import learner, renew, rootfs
from sandbox.warm.inside.copies import Maker
from sandbox.warm.inside.order import Order
from sandbox.warm.inside.renew import ExitHandlers

HOST_FD = 3
MADE, REFUSED = b"k", b"x"
_OWN_FDS = frozenset({0, 1, 2, HOST_FD})


def main() -> None:
    """Import, look at ourselves, serve until the host closes."""
    told = json.loads(sys.argv[1])
    host = socket.socket(fileno=HOST_FD)
    base_path = [folder for folder in sys.path if folder not in _own_folders()]
    handlers = ExitHandlers()
    with handlers:
        for name in told["imports"]:
            _import(name)
    problems = audit()
    host.sendall(json.dumps({"problems": problems}).encode() + b"\n")
    if not problems:
        Template(Interpreter(base_path, handlers, frozenset(sys.modules)), told["shared"]).serve(host)


def _own_folders() -> set[str]:
    return {*os.environ.get("PYTHONPATH", "").split(os.pathsep), os.getcwd(), ""}


def _import(name: str) -> None:
    module, _, attribute = name.partition(":")
    loaded = importlib.import_module(module)
    if attribute:
        getattr(loaded, attribute)


def audit() -> list[str]:
    """Why this process must not be copied; nothing if it may."""
    problems = []
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        problems.append(f"{threads} threads run: a copy would have only one of them")
    with open("/proc/self/maps") as file:
        shared = [line for line in file if _is_shared_and_writable(line)]
    problems += [f"memory is shared and writable: {line.split()[-1]}" for line in shared]
    problems += [f"descriptor {fd} is open: {where}" for fd, where in _foreign_descriptors()]
    others = {name for name in os.listdir("/proc") if name.isdigit()} - {"1", str(os.getpid())}
    if others:
        problems.append(f"{len(others)} other processes run here")
    return problems


def _is_shared_and_writable(line: str) -> bool:
    permissions = line.split()[1]
    return permissions[1] == "w" and permissions[3] == "s"


def _foreign_descriptors() -> list[tuple[int, str]]:
    found = []
    for name in os.listdir("/proc/self/fd"):
        path = f"/proc/self/fd/{name}"
        if int(name) not in _OWN_FDS and os.path.lexists(path):  # the listing's own is gone again
            found.append((int(name), os.readlink(path)))
    return found


@dataclass(frozen=True, slots=True)
class Interpreter:
    """This interpreter, as a learner's program gets it."""

    base_path: Sequence[str]
    handlers: ExitHandlers
    inherited: frozenset[str]

    def prepare(self) -> None:
        renew.prepare(self.base_path, self.handlers)

    def run(self, order: Order) -> NoReturn:
        renew.address(order.plain, self.base_path)
        learner.run(order.plain["program"], self.inherited)


class Template:
    """Serves copies, one request at a time."""

    def __init__(self, interpreter: Interpreter, shared: Sequence[str]) -> None:
        self._maker = Maker((os.getuid(), os.getgid()), shared, interpreter)
        os.mkdir(rootfs.STAGING)

    def serve(self, host: socket.socket) -> None:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps copies
        gc.collect()
        gc.freeze()
        while True:
            request, fds, _, _ = socket.recv_fds(host, 1, 2, socket.MSG_CMSG_CLOEXEC)
            if not request:
                return
            try:
                self._answer(host, fds)
            finally:
                for fd in fds:
                    os.close(fd)

    def _answer(self, host: socket.socket, fds: Sequence[int]) -> None:
        try:
            pidfd = os.pidfd_open(self._maker.copy(*fds))
        except OSError as error:
            host.sendall(REFUSED + str(error).encode() + b"\n")
            return
        try:
            socket.send_fds(host, [MADE], [pidfd])
        finally:
            os.close(pidfd)


if __name__ == "__main__":
    main()
