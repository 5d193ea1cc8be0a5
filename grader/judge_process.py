"""Starts the judge's process, listens to it, and ends it: whatever happens there, one final message comes back."""

from __future__ import annotations

import os
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from grader.events import Event, LogEvent
from grader.judge_start import READY, JudgeProcess, stream
from grader.wire import (
    MAX_LINE,
    Began,
    Broken,
    CellEnded,
    CellRequest,
    Final,
    Judged,
    JudgeRequest,
    Ready,
    Told,
    read_line,
)
from sandbox.leases import LONGEST_WAIT_S

_POLL_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What the caller wants to know and may want to stop. `show_prints`: the judge's own prints go to the log."""

    on_event: Callable[[Event], None]
    cancelled: Callable[[], bool]
    wall_s: float
    show_prints: bool


class Cancelled(Exception):  # noqa: N818  not an error: the caller asked for it
    """The caller's `cancelled()` said so."""


def run_judge(request: JudgeRequest | CellRequest, watch: Watch) -> Final:
    """Run one request to its end. Raises Cancelled; InfraError when there is no lab."""
    judge = READY.take()
    try:
        prints = _JudgePrints(judge, watch)
        final: Final | None = None
        try:
            judge.send(request.model_dump_json(by_alias=True).encode() + b"\n")
            if not request.timed:
                READY.refill()  # its imports go on beside this run
            final = _listen(judge.events, watch, LONGEST_WAIT_S if request.timed else 0.0)
        finally:
            judge.end(finished=isinstance(final, Judged | CellEnded))
            prints.finish()
    finally:
        judge.close()
        READY.refill()
    return final or Broken(kind="judge", text=_obituary(judge, prints))


def _listen(fd: int, watch: Watch, waits_s: float) -> Final | None:
    """Pass events on until the final message; None when the process ended without one.

    `waits_s`: how long it may wait for cores before its time begins.
    """
    clock = _Clock(watch.wall_s + waits_s)
    for line in _lines(fd, watch, clock):
        if line is None:
            return Broken(kind="judge", text=f"the judge did not end within {watch.wall_s:g} seconds")
        try:
            message = read_line(line)
        except ValueError as error:
            return Broken(kind="judge", text=f"the judge sent a line that is no message: {str(error)[:2000]}")
        if isinstance(message, Told):
            watch.on_event(message.event)
        elif isinstance(message, Began):
            clock.start(watch.wall_s)
        elif not isinstance(message, Ready):
            return message
    return None


class _Clock:
    def __init__(self, seconds: float) -> None:
        self.start(seconds)

    def start(self, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds

    @property
    def over(self) -> bool:
        return time.monotonic() > self._deadline


def _lines(fd: int, watch: Watch, clock: _Clock) -> Iterator[bytes | None]:
    """Lines as they come; None once the time is over. Raises Cancelled."""
    buffer = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        while True:
            if watch.cancelled():
                raise Cancelled
            if clock.over or len(buffer) > MAX_LINE:
                yield None
                return
            if not selector.select(_POLL_S):
                continue
            chunk = os.read(fd, 1 << 16)
            if not chunk:
                return
            buffer += chunk
            *lines, rest = bytes(buffer).split(b"\n") if b"\n" in chunk else (buffer,)
            buffer = bytearray(rest)
            yield from lines


def _obituary(judge: JudgeProcess, prints: _JudgePrints) -> str:
    code = judge.process.returncode
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return "\n".join([f"the judge died ({how}); its last lines:", *prints.tail])


@dataclass(slots=True)
class _JudgePrints:
    """What a judge prints by accident: kept for operators, shown to learners only where nothing is hidden."""

    judge: JudgeProcess
    watch: Watch
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=40))
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def finish(self) -> None:
        self.thread.join(timeout=5)

    def _run(self) -> None:
        with stream(self.judge.process.stdout) as printed:
            while raw := printed.readline(2000):
                line = raw.decode(errors="replace").rstrip("\n")
                self.tail.append(line)
                if self.watch.show_prints:
                    self.watch.on_event(LogEvent(stream="judge", text=line))
