"""The lines of one run that a web process keeps for its viewers: the same head and tail as the stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from webapp.submissions.keptlog import HEAD, TAIL, TAIL_BYTES

FRAME_LINES, FRAME_BYTES = 500, 256 * 1024


class Reader(Protocol):
    """`last`: the number of the last line that it had; `place`: of the last chunk."""

    last: int
    place: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """Lines that came together; `frame` is their JSON array, made once for all viewers."""

    place: int
    lines: list[tuple[int, str]]
    frame: str

    @property
    def last(self) -> int:
        return self.lines[-1][0]


class Window:
    """Chunks in order, with consecutive places except for one gap between head and tail."""

    def __init__(self) -> None:
        self._head: list[Chunk] = []
        self._tail: list[Chunk] = []
        self._next = 0
        self._head_lines = self._tail_lines = self._tail_bytes = 0
        self._joined: dict[tuple[int, int], str] = {}  # frames of several chunks, for those who are behind alike

    def add(self, lines: list[tuple[int, str]]) -> None:
        """`lines`: number and JSON, in order; at least one."""
        chunk = Chunk(self._next, lines, f"[{','.join(text for _, text in lines)}]")
        self._next += 1
        self._joined.clear()
        if not self._tail and self._head_lines < HEAD:
            self._head.append(chunk)
            self._head_lines += len(lines)
            return
        self._tail.append(chunk)
        self._tail_lines += len(lines)
        self._tail_bytes += len(chunk.frame)
        self._trim()

    def _trim(self) -> None:
        """By whole chunks, so that never less is kept than of the stream."""
        lost = 0
        for chunk in self._tail[:-1]:
            lines, size = self._tail_lines - len(chunk.lines), self._tail_bytes - len(chunk.frame)
            if lines < TAIL and size < TAIL_BYTES:
                break
            self._tail_lines, self._tail_bytes, lost = lines, size, lost + 1
        if lost:
            del self._tail[:lost]

    def frames(self, reader: Reader) -> Iterator[str]:
        """What the reader has not had, in frames of bounded size; moves its place before each.

        The window may grow and be trimmed between two frames: each starts from where the reader is then.
        """
        while chunks := self._next_chunks(reader.place):
            before, reader.place = reader.last, chunks[-1].place
            if chunks[-1].last <= before:
                continue
            reader.last = chunks[-1].last
            yield self._frame(chunks, before)

    def _next_chunks(self, place: int) -> list[Chunk]:
        if place + 1 >= self._next:
            return []
        if place + 1 < len(self._head):
            chunks, start = self._head, place + 1
        else:
            chunks, start = self._tail, max(0, place + 1 - self._tail[0].place)
        return _first_of(chunks, start)

    def _frame(self, chunks: list[Chunk], before: int) -> str:
        """Of whole chunks where the reader has had none of their lines: then it is the same for all."""
        if chunks[0].lines[0][0] <= before:
            return f"[{','.join(text for chunk in chunks for number, text in chunk.lines if number > before)}]"
        if len(chunks) == 1:
            return chunks[0].frame
        key = (chunks[0].place, chunks[-1].place)
        if key not in self._joined:
            self._joined[key] = f"[{','.join(chunk.frame[1:-1] for chunk in chunks)}]"
        return self._joined[key]


def _first_of(chunks: list[Chunk], start: int) -> list[Chunk]:
    """At least one, and as many as one frame should hold."""
    taken: list[Chunk] = []
    lines = size = 0
    for chunk in chunks[start : start + FRAME_LINES]:
        lines, size = lines + len(chunk.lines), size + len(chunk.frame)
        if taken and (lines > FRAME_LINES or size > FRAME_BYTES):
            break
        taken.append(chunk)
    return taken
