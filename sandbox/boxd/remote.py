"""A box that runs in boxd, as its client sees it."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
from typing import Any

from sandbox.boxd import wire
from sandbox.errors import BoxStartError, FrameError
from sandbox.frames import recv_frame, send_frame
from sandbox.spec import Outcome, Usage

NOTHING_USED = Usage(wall_s=0.0, cpu_s=0.0, peak_memory_bytes=0, source="proc")


class RemoteRun:
    """A thread reads what boxd says of the box; whoever asks waits for that thread to hand the answer over."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._outcome: Outcome | None = None
        self._last = NOTHING_USED
        self._done = threading.Event()
        self._answers: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._asking = threading.Lock()
        self._thread = threading.Thread(target=self._listen, name="box-remote", daemon=True)
        self._thread.start()

    def wait(self) -> Outcome:
        self._done.wait()
        assert self._outcome is not None
        return self._outcome

    def kill(self) -> None:
        self._send("kill")
        self._done.wait()

    def usage(self) -> Usage:
        answer = self._ask("usage")
        if answer is not None:
            self._last = Usage(**answer["usage"])
        return self._last if self._outcome is None else self._outcome.usage

    def freeze(self) -> None:
        self._order("freeze")

    def thaw(self) -> None:
        self._order("thaw")

    def pids(self) -> list[int]:
        answer = self._ask("pids")
        return [] if answer is None else answer["pids"]

    def _order(self, what: str) -> None:
        answer = self._ask(what)
        if answer is not None and answer["event"] == "failed":
            raise BoxStartError(answer["message"])

    def _ask(self, what: str) -> dict[str, Any] | None:
        """The answer; None if the box has ended."""
        with self._asking:
            return self._answers.get() if self._send(what) else None

    def _send(self, what: str) -> bool:
        """False if the box has ended."""
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
                if frame.header["event"] == "outcome":
                    outcome = wire.outcome_from_wire(frame.header["outcome"])
                else:
                    self._answers.put(frame.header)
        self._outcome = outcome or self._lost()
        self._done.set()
        # Whoever waits for an answer that will not come goes on.
        self._answers.put(None)
        self._sock.close()

    def _lost(self) -> Outcome:
        detail = "boxd ended while the box ran, and the box with it"
        return Outcome(status="box_error", exit_code=None, signal=None, usage=self._last, detail=detail)
