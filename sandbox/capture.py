"""Reads an output stream of a box to its end, keeping a bounded head and tail of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

_BLOCK = 64 * 1024
_LINE_BYTES = 8 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """What was kept of a stream of `total` bytes: all of it, or its head and tail around a note."""

    head: bytes
    tail: bytes
    total: int

    @property
    def dropped(self) -> int:
        return self.total - len(self.head) - len(self.tail)

    @property
    def data(self) -> bytes:
        """Head, a note line where bytes were left out, tail."""
        note = f"\n[{self.dropped} bytes of output left out here]\n".encode() if self.dropped else b""
        return self.head + note + self.tail

    @property
    def text(self) -> str:
        """`data` as text; bytes that are not UTF-8 become U+FFFD."""
        return self.data.decode(errors="replace")


class Capture:
    """Drains a stream on a thread of its own, so that the writer never blocks and memory stays below about 2 × `limit`.

    `on_line` gets each line without its end as it arrives, while the head lasts; after that one note at the first drop,
    and the kept tail's lines at the end. A line longer than 8 KiB comes in pieces. `sink` gets the bytes: the head as
    it arrives, and at the end the note and the tail. What either raises is raised by `result`; the stream is drained
    all the same.
    """

    def __init__(
        self,
        stream: BinaryIO,
        limit: int,
        on_line: Callable[[str], None] | None = None,
        *,
        sink: BinaryIO | None = None,
    ) -> None:
        self._stream = stream
        self._sink = sink
        self._head_room = limit // 2
        self._tail_room = limit - self._head_room
        self._head = bytearray()
        self._tail = bytearray()
        self._total = 0
        self._noted = False
        self._lines = None if on_line is None else _Lines(on_line)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._drain, name="capture", daemon=True)
        self._thread.start()

    def result(self, timeout_s: float | None = None) -> Captured:
        """Wait for the end of the stream. Raises TimeoutError, or what `on_line` raised."""
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            raise TimeoutError("the stream has not ended: kill the box first")
        if self._error is not None:
            raise self._error
        return self._captured()

    def _captured(self) -> Captured:
        return Captured(head=bytes(self._head), tail=self._kept_tail(), total=self._total)

    def _drain(self) -> None:
        while block := self._stream.read(_BLOCK):
            self._total += len(block)
            room = self._head_room - len(self._head)
            self._head += block[:room] if room > 0 else b""
            self._tell(block[: max(room, 0)])
            self._pass_on(block[: max(room, 0)])
            self._keep_tail(block[max(room, 0) :])
        tail = self._kept_tail()
        self._tell(tail)
        self._finish_lines()
        self._pass_on(self._captured().data[len(self._head) :])

    def _keep_tail(self, block: bytes) -> None:
        if not block:
            return
        self._tail += block
        if len(self._tail) > 2 * self._tail_room:  # not at every block: moving bytes costs
            del self._tail[: -self._tail_room]
        if not self._noted and self._total > self._head_room + self._tail_room:
            self._noted = True
            self._tell(b"\n[output is over its limit: from here on only the end is kept]\n")

    def _kept_tail(self) -> bytes:
        return bytes(self._tail[-self._tail_room :])

    def _tell(self, block: bytes) -> None:
        if self._lines is not None and block and self._error is None:
            self._try(partial(self._lines.feed, block))

    def _finish_lines(self) -> None:
        if self._lines is not None and self._error is None:
            self._try(self._lines.finish)

    def _pass_on(self, block: bytes) -> None:
        if self._sink is not None and block and self._error is None:
            self._try(partial(_write, self._sink, block))

    def _try(self, step: Callable[[], None]) -> None:
        try:
            step()
        except BaseException as error:  # kept for `result`: the stream must be drained whatever happens
            self._error = error


def _write(sink: BinaryIO, block: bytes) -> None:
    sink.write(block)
    sink.flush()


class _Lines:
    """Cuts blocks of bytes into lines of text."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._partial = b""

    def feed(self, block: bytes) -> None:
        *lines, self._partial = (self._partial + block).split(b"\n")
        for line in lines:
            self._emit(line)
        while len(self._partial) > _LINE_BYTES:
            self._emit(self._partial[:_LINE_BYTES])
            self._partial = self._partial[_LINE_BYTES:]

    def finish(self) -> None:
        if self._partial:
            self._emit(self._partial)
            self._partial = b""

    def _emit(self, line: bytes) -> None:
        for start in range(0, max(len(line), 1), _LINE_BYTES):
            self._on_line(line[start : start + _LINE_BYTES].decode(errors="replace"))
