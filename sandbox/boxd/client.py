"""The client's side: a backend whose boxes boxd owns."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from collections.abc import Sequence
from typing import Any

from sandbox.backend import LimitCheck
from sandbox.boxd import wire
from sandbox.errors import BoxStartError, FrameError, SandboxUnavailable
from sandbox.frames import Frame, recv_frame, send_frame
from sandbox.spec import BoxSpec, Outcome, Usage
from sandbox.streams import RunningProcess, Streams

_ANSWER_S = 30.0
_NOTHING_USED = Usage(wall_s=0.0, cpu_s=0.0, peak_memory_bytes=0, source="proc")


class BoxdBackend:
    """Boxes of the boxd that listens at `path`."""

    name = "bubblewrap"

    def __init__(self, path: str) -> None:
        """Raises SandboxUnavailable if boxd does not answer."""
        self._path = path
        self.check()

    def prepare(self, spec: BoxSpec) -> BoxdBox:
        """The spec is checked against the machine when the box starts."""
        return BoxdBox(self._path, spec)

    def check(self) -> list[LimitCheck]:
        with _connect(self._path) as sock:
            sock.sendall(wire.WITHOUT_STREAMS)
            send_frame(sock, {"op": "check"}, timeout_s=_ANSWER_S)
            answer = _answer(sock, self._path)
        return [LimitCheck(**check) for check in answer["checks"]]


class BoxdBox:
    """One box of boxd; its connection is its lifeline."""

    def __init__(self, path: str, spec: BoxSpec) -> None:
        self._path = path
        self._spec = spec
        self._run: RemoteRun | None = None

    def start(self, argv: Sequence[str]) -> RunningProcess:
        """Hand the streams' far ends to boxd, which starts the program on them."""
        if self._run is not None:
            raise RuntimeError("a box is used once: prepare another")
        streams = Streams()
        try:
            self._run = RemoteRun(self._request(argv, streams.theirs))
        except BaseException:
            streams.close_ours()
            raise
        finally:
            streams.close_theirs()
        return RunningProcess(streams, self._run)

    def usage(self) -> Usage:
        return _NOTHING_USED if self._run is None else self._run.usage()

    def kill(self) -> None:
        if self._run is not None:
            self._run.kill()

    def _request(self, argv: Sequence[str], fds: Sequence[int]) -> socket.socket:
        sock = _connect(self._path)
        try:
            socket.send_fds(sock, [wire.WITH_STREAMS], list(fds))
            plain, payload = wire.spec_to_wire(self._spec)
            send_frame(sock, {"op": "run", "argv": list(argv), "spec": plain}, payload, timeout_s=_ANSWER_S)
            answer = _answer(sock, self._path)
            if answer["event"] != "started":
                raise BoxStartError(answer["message"])
        except BaseException:
            sock.close()
            raise
        return sock


class RemoteRun:
    """A box that runs in boxd: a thread reads what boxd says of it."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._outcome: Outcome | None = None
        self._last = _NOTHING_USED
        self._done = threading.Event()
        self._usages: queue.SimpleQueue[Usage] = queue.SimpleQueue()
        self._asking = threading.Lock()
        self._thread = threading.Thread(target=self._listen, name="box-remote", daemon=True)
        self._thread.start()

    def wait(self) -> Outcome:
        self._done.wait()
        assert self._outcome is not None
        return self._outcome

    def kill(self) -> None:
        self._ask("kill")
        self._done.wait()

    def usage(self) -> Usage:
        with self._asking:
            if self._ask("usage"):
                self._last = self._usages.get()
        return self._last if self._outcome is None else self._outcome.usage

    def _ask(self, what: str) -> bool:
        """Send a request; False if the box has ended."""
        if self._done.is_set():
            return False
        try:
            send_frame(self._sock, {"op": what})
        except OSError:  # it ended meanwhile; the listening thread sees that, too
            self._done.wait()
            return False
        return True

    def _listen(self) -> None:
        outcome: Outcome | None = None
        with contextlib.suppress(OSError, FrameError):  # boxd is gone: said below
            while (frame := recv_frame(self._sock)) is not None:
                outcome = self._take(frame) or outcome
        self._outcome = outcome or self._lost()
        self._done.set()
        # Whoever waits for a reading that will not come gets the last one.
        self._usages.put(self._outcome.usage)
        self._sock.close()

    def _take(self, frame: Frame) -> Outcome | None:
        if frame.header["event"] == "outcome":
            return wire.outcome_from_wire(frame.header["outcome"])
        self._last = Usage(**frame.header["usage"])
        self._usages.put(self._last)
        return None

    def _lost(self) -> Outcome:
        detail = "boxd ended while the box ran, and the box with it"
        return Outcome(status="box_error", exit_code=None, signal=None, usage=self._last, detail=detail)


def _connect(path: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        sock.settimeout(_ANSWER_S)
        sock.connect(path)
    except OSError as error:
        sock.close()
        why = error.strerror or error
        raise SandboxUnavailable(
            f"boxd does not answer at {path} ({why}): start `make up`, or unset RANKZERO_BOXD"
        ) from error
    return sock


def _answer(sock: socket.socket, path: str) -> dict[str, Any]:
    try:
        frame = recv_frame(sock, timeout_s=_ANSWER_S)
    except (OSError, FrameError) as error:
        raise SandboxUnavailable(f"boxd at {path} gave no answer: {error}") from error
    if frame is None:
        raise SandboxUnavailable(f"boxd at {path} closed the connection: its log says why")
    return frame.header
