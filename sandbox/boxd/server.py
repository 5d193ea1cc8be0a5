"""The server's side: accepts one user's connections, starts a box for each, and ends it when its connection ends."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import select
import socket
import struct
import threading
import time
from dataclasses import asdict
from pathlib import Path

from sandbox.boxd import wire
from sandbox.bubblewrap import BubblewrapBackend
from sandbox.errors import FrameError, SandboxError
from sandbox.frames import Frame, recv_frame, send_frame
from sandbox.monitor import Monitor
from sandbox.spec import MIB, Outcome

log = logging.getLogger("boxd")

_REQUEST_S = 30.0
_GOODBYE_S = 2.0
_FRESH = ".new"
_LONGEST_PATH = 107  # sockaddr_un holds 108 bytes with the final NUL


class Boxd:
    """Listens at `path` (mode 600) and owns every box that it starts."""

    def __init__(self, path: Path, backend: BubblewrapBackend) -> None:
        self._backend = backend
        self._path = path
        self._numbers = itertools.count(1)
        self._connections: set[Connection] = set()
        self._lock = threading.Lock()
        self._listener = _listen(path)
        # Written to by Python's own signal handler (signal.set_wakeup_fd), whichever thread the kernel gave the signal:
        # a handler in Python would wait until the main thread returns from its poll.
        self._stop_r, self.wakeup_fd = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def serve(self) -> None:
        """Serve until a byte comes on `wakeup_fd`; then every box is ended and the socket removed."""
        poller = select.poll()
        for fd in (self._listener.fileno(), self._stop_r):
            poller.register(fd, select.POLLIN)
        try:
            while not any(fd == self._stop_r for fd, _ in poller.poll()):
                self._try_accept()
        finally:
            self._shut_down()

    def _try_accept(self) -> None:
        try:
            self._accept()
        except OSError as error:  # out of descriptors, say: the boxes that run must not suffer
            log.error("cannot take a connection: %s", error)
            time.sleep(0.1)

    def _accept(self) -> None:
        sock, _ = self._listener.accept()
        if _peer_uid(sock) not in {os.getuid(), 0}:
            log.warning("refused a connection of uid %d", _peer_uid(sock))
            sock.close()
            return
        connection = Connection(sock, self._backend, f"box{next(self._numbers)}")
        with self._lock:
            self._connections.add(connection)
        threading.Thread(target=self._attend, args=(connection,), name="boxd-connection", daemon=True).start()

    def _attend(self, connection: Connection) -> None:
        try:
            connection.run()
        finally:
            with self._lock:
                self._connections.discard(connection)

    def _shut_down(self) -> None:
        self._path.unlink(missing_ok=True)
        self._listener.close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            connection.end()


class Connection:
    """One client and its box."""

    def __init__(self, sock: socket.socket, backend: BubblewrapBackend, name: str) -> None:
        self._sock = sock
        self._backend = backend
        self._name = name
        self._monitor: Monitor | None = None
        self._teller: threading.Thread | None = None
        self._sending = threading.Lock()

    def run(self) -> None:
        """Serve the connection to its end; the box, if there is one, ends with it."""
        try:
            self._serve()
        except (OSError, FrameError) as error:
            log.info("%s: connection lost: %s", self._name, error)
        finally:
            self.end()
            self._sock.close()

    def end(self) -> None:
        """End the box, if there is one, and let its last line be logged."""
        if self._monitor is not None:
            self._monitor.kill()
        if self._teller is not None:
            self._teller.join(_GOODBYE_S)

    def _serve(self) -> None:
        self._sock.settimeout(_REQUEST_S)
        opening, fds, _, _ = socket.recv_fds(self._sock, 1, wire.STREAMS)
        try:
            frame = recv_frame(self._sock, max_header=wire.MAX_REQUEST, timeout_s=_REQUEST_S)
            if opening == wire.WITHOUT_STREAMS and frame is not None:
                self._answer_check()
                return
            if frame is None or opening != wire.WITH_STREAMS or len(fds) != wire.STREAMS:
                return
            started = self._start(frame, fds)
        finally:
            for fd in fds:
                os.close(fd)
        if started:
            self._follow()

    def _answer_check(self) -> None:
        self._reply({"event": "checks", "checks": [asdict(check) for check in self._backend.check()]})

    def _start(self, frame: Frame, fds: list[int]) -> bool:
        try:
            spec = wire.spec_from_wire(frame.header["spec"], frame.payload)
            self._monitor = self._backend.prepare(spec).start_with(frame.header["argv"], fds)
        except (SandboxError, ValueError, TypeError, KeyError) as error:
            log.warning("%s: refused: %s", self._name, error)
            self._reply({"event": "refused", "message": str(error)})
            return False
        self._reply({"event": "started", "id": self._name})
        return True

    def _follow(self) -> None:
        """Answer requests until the client goes; tell it the outcome when there is one."""
        assert self._monitor is not None
        teller = threading.Thread(target=self._tell_outcome, args=(self._monitor,), daemon=True)
        teller.start()
        self._teller = teller  # only now: `end`, on another thread, joins it
        while (frame := recv_frame(self._sock)) is not None:
            if frame.header.get("op") == "kill":
                # Not here: the reading must go on, so that a client that goes is noticed.
                threading.Thread(target=self._monitor.kill, name="boxd-kill", daemon=True).start()
            elif frame.header.get("op") == "usage":
                self._reply({"event": "usage", "usage": asdict(self._monitor.usage())})

    def _tell_outcome(self, monitor: Monitor) -> None:
        outcome = monitor.wait()
        _log_outcome(self._name, outcome)
        with contextlib.suppress(OSError):  # the client may be gone; the log has the line
            self._reply({"event": "outcome", "outcome": wire.outcome_to_wire(outcome)})
            self._sock.shutdown(socket.SHUT_RDWR)

    def _reply(self, header: dict[str, object]) -> None:
        # No time limit: it would hold for the thread that reads, too. Replies are small and the client is ours.
        with self._sending:
            send_frame(self._sock, header)


def _log_outcome(name: str, outcome: Outcome) -> None:
    usage = outcome.usage
    log.info(
        "%s %s (%s) wall %.3f s, cpu %.3f s, peak %.1f MiB",
        name, outcome.status, outcome.detail, usage.wall_s, usage.cpu_s, usage.peak_memory_bytes / MIB,
    )  # fmt: skip


def _peer_uid(sock: socket.socket) -> int:
    credentials = struct.Struct("3i")
    _, uid, _ = credentials.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, credentials.size))
    return int(uid)


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
