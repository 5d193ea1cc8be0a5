"""The server's side: accepts one user's connections and gives each a thread."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import select
import socket
import threading
import time
from pathlib import Path

from sandbox.boxd.connection import Connection
from sandbox.boxd.peer import peer_of
from sandbox.boxd.services import Services
from sandbox.errors import SandboxError

log = logging.getLogger("boxd")

_GOODBYE_S = 10.0
_FRESH = ".new"
_LONGEST_PATH = 107  # sockaddr_un holds 108 bytes with the final NUL
# Each takes a thread and, with a box, some ten descriptors.
MAX_CONNECTIONS = 400


class Boxd:
    """Listens at `path` (mode 600) and owns every box, pod and lease that it gives out.

    `lifeline`: a descriptor whose other end closes when boxd is to stop, because its owner is gone.
    """

    def __init__(self, path: Path, services: Services, lifeline: int | None = None) -> None:
        self._services = services
        self._path = path
        self._lifeline = lifeline
        self._numbers = itertools.count(1)
        self._threads: dict[Connection, threading.Thread] = {}
        self._lock = threading.Lock()
        self._listener = _listen(path)
        # Written to by Python's own signal handler (signal.set_wakeup_fd), whichever thread the kernel gave the signal:
        # a handler in Python would wait until the main thread returns from its poll.
        self._stop_r, self.wakeup_fd = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def serve(self) -> None:
        """Serve until a byte comes on `wakeup_fd` or the lifeline ends; then end everything and remove the socket."""
        poller = select.poll()
        stops = {self._stop_r} if self._lifeline is None else {self._stop_r, self._lifeline}
        for fd in (self._listener.fileno(), *stops):
            poller.register(fd, select.POLLIN)
        try:
            while not any(fd in stops for fd, _ in poller.poll()):
                self._try_accept()
        finally:
            self._shut_down()

    def _try_accept(self) -> None:
        try:
            self._accept()
        except (OSError, RuntimeError) as error:  # out of descriptors or threads: the boxes that run must not suffer
            log.error("cannot take a connection: %s", error)
            time.sleep(0.1)

    def _accept(self) -> None:
        sock, _ = self._listener.accept()
        try:
            if refusal := self._refusal(sock):
                log.warning("refused a connection: %s", refusal)
                sock.close()
                return
            self._give_thread(Connection(sock, self._services, f"box{next(self._numbers)}"))
        except BaseException:
            sock.close()
            raise

    def _refusal(self, sock: socket.socket) -> str:
        if (uid := peer_of(sock).uid) not in {os.getuid(), 0}:
            return f"it is of uid {uid}"
        with self._lock:
            return f"{MAX_CONNECTIONS} are open already" if len(self._threads) >= MAX_CONNECTIONS else ""

    def _give_thread(self, connection: Connection) -> None:
        thread = threading.Thread(target=self._attend, args=(connection,), name="boxd-connection", daemon=True)
        with self._lock:
            self._threads[connection] = thread
            try:
                thread.start()
            except BaseException:
                del self._threads[connection]
                raise

    def _attend(self, connection: Connection) -> None:
        try:
            connection.run()
        finally:
            with self._lock:
                self._threads.pop(connection, None)

    def _shut_down(self) -> None:
        self._path.unlink(missing_ok=True)
        self._listener.close()
        with self._lock:
            threads = dict(self._threads)
        for connection in threads:
            connection.hang_up()
        deadline = time.monotonic() + _GOODBYE_S
        for thread in threads.values():
            thread.join(max(0.0, deadline - time.monotonic()))
        self._services.close()


def _listen(path: Path) -> socket.socket:
    """Bind the socket, mode 600. Raises SandboxError if it cannot be, or another boxd answers there."""
    if len(os.fsencode(path)) + len(_FRESH) > _LONGEST_PATH:
        raise SandboxError(
            f"the socket path {path} is over {_LONGEST_PATH - len(_FRESH)} bytes: choose a shorter --socket"
        )
    _refuse_second(path)
    # Under another name until it listens: whoever waits for the socket to appear finds it answering.
    fresh = path.with_name(f"{path.name}{_FRESH}")
    fresh.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    before = os.umask(0o177)
    try:
        listener.bind(str(fresh))
        listener.listen(64)
        fresh.rename(path)
    except OSError as error:
        listener.close()
        raise SandboxError(f"cannot listen at {path}: {error.strerror}") from error
    finally:
        os.umask(before)
    return listener


def _refuse_second(path: Path) -> None:
    if not path.is_socket():
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe, contextlib.suppress(ConnectionRefusedError):
        probe.connect(str(path))
        raise SandboxError(f"another boxd answers at {path}: stop it first")
