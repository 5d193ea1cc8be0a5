"""What a program prints, line by line into the live log."""

from __future__ import annotations

import threading
from collections.abc import Callable

from grader.events import Event, LogEvent, Stream
from sandbox import Process
from sandbox.capture import Capture

WITHHELD = "From here on prints are not shown: hidden inputs are in the box. Use Try to see them."
_MAX_LINE = 2000
_WAIT_S = 5.0


class Prints:
    """Both output streams of one box, each kept to `limit` bytes. After `withhold()` one line stands for all others."""

    def __init__(self, process: Process, emit: Callable[[Event], None], limit: int) -> None:
        self._emit = emit
        self._lock = threading.Lock()
        self._withheld = False
        self._said = False
        self._out = Capture(process.stdout, limit, lambda line: self._show("out", line))
        self._err = Capture(process.stderr, limit, lambda line: self._show("err", line))

    def withhold(self) -> None:
        with self._lock:
            self._withheld = True

    def finish(self) -> None:
        """Wait for the last lines; call it when the box has ended. Raises what `emit` raised."""
        self._out.result(_WAIT_S)
        self._err.result(_WAIT_S)

    def last_errors(self, lines: int) -> list[str]:
        """The last lines of stderr, shown or not; call it when the box has ended."""
        return [line[:_MAX_LINE] for line in self._err.result(_WAIT_S).text.splitlines()[-lines:]]

    def _show(self, stream: Stream, line: str) -> None:
        with self._lock:
            if not self._withheld:
                self._emit(LogEvent(stream=stream, text=line[:_MAX_LINE]))
            elif not self._said:
                self._said = True
                self._emit(LogEvent(stream="system", text=WITHHELD))
