"""What is kept of a log: its first and its last entries, in the stream while the run goes and packed at its end.

One rule for all readers: who comes late, reconnects or reloads sees the same head and tail, and a gap in the numbers
where entries were left out.
"""

from __future__ import annotations

import json
import re
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from webapp.submissions.logstream import Entry, Identity

HEAD, TAIL = 1_000, 4_000  # entries
HEAD_BYTES, TAIL_BYTES = 4 * 1024**2, 8 * 1024**2  # of their JSON
UNPACKED_CAP = 16 * 1024**2


@dataclass(frozen=True, slots=True)
class Item:
    identity: Identity
    entry: Entry
    text: str


@dataclass(slots=True)
class Kept:
    """The entries that stay, those of them that no reader was sent yet, and those that readers need no longer."""

    head: list[Item] = field(default_factory=list)
    tail: deque[Item] = field(default_factory=deque)
    passing: dict[str, Item] = field(default_factory=dict)  # the last progress, the last status
    unsent: dict[Identity, Item] = field(default_factory=dict)
    gone: list[Identity] = field(default_factory=list)
    _head_bytes: int = 0
    _tail_bytes: int = 0

    def add(self, identity: Identity, entry: Entry) -> None:
        item = Item(identity, entry, json.dumps(entry))
        self.unsent[identity] = item
        if "n" in entry:
            self._keep(item)
            return
        before = self.passing.get(entry["type"])
        self.passing[entry["type"]] = item
        if before is not None:
            self._drop(before)

    def _keep(self, item: Item) -> None:
        if not self.tail and len(self.head) < HEAD and self._head_bytes + len(item.text) <= HEAD_BYTES:
            self.head.append(item)
            self._head_bytes += len(item.text)
            return
        self.tail.append(item)
        self._tail_bytes += len(item.text)
        while len(self.tail) > 1 and (len(self.tail) > TAIL or self._tail_bytes > TAIL_BYTES):
            oldest = self.tail.popleft()
            self._tail_bytes -= len(oldest.text)
            self._drop(oldest)

    def _drop(self, item: Item) -> None:
        if self.unsent.pop(item.identity, None) is None:
            self.gone.append(item.identity)

    def take_unsent(self, count: int, size: int) -> list[Item]:
        """The oldest of them, at most `count` and, from the second on, `size` characters."""
        taken: list[Item] = []
        for item in self.unsent.values():
            size -= len(item.text)
            if len(taken) == count or (taken and size < 0):
                break
            taken.append(item)
        for item in taken:
            del self.unsent[item.identity]
        return taken

    def take_gone(self) -> list[Identity]:
        gone, self.gone = self.gone, []
        return gone

    def sent_up_to(self, last: Identity) -> None:
        """Readers have everything to `last` and nothing after it."""
        items = sorted([*self._numbered(), *self.passing.values()], key=lambda item: item.identity)
        self.unsent = {item.identity: item for item in items if item.identity > last}

    def _numbered(self) -> Iterator[Item]:
        yield from self.head
        yield from self.tail

    def entries(self) -> list[Entry]:
        return [item.entry for item in self._numbered()]


def pack(entries: Iterable[Entry]) -> bytes:
    """Compressed JSON; outputs are left out where all together would be too large to read back."""
    kept = list(entries)
    raw = json.dumps(kept).encode()
    if len(raw) > UNPACKED_CAP:
        note = "(an output was too large to keep)"
        raw = json.dumps(
            [e if e["type"] == "line" else Entry(type="line", n=e["n"], stream="system", text=note) for e in kept]
        ).encode()
    return zlib.compress(raw, level=6)


def unpack(packed: bytes | memoryview) -> list[Entry]:
    """The numbered entries of a finished run; [] if it never wrote any."""
    if not packed:
        return []
    entries: list[Entry] = json.loads(zlib.decompressobj().decompress(bytes(packed), UNPACKED_CAP))
    return entries


def as_text(entries: Iterable[Entry]) -> str:
    """For reading outside the browser: no colours, a note where lines were not kept."""
    lines, last = [], 0
    for entry in entries:
        if entry["n"] > last + 1:
            lines.append(gap_text(last + 1, entry["n"] - 1))
        last = entry["n"]
        text = entry["text"] if entry["type"] == "line" else f"({entry.get('kind', 'output')})"
        lines.append(re.sub(r"\x1b\[[0-9;:]*m", "", text))
    return "\n".join(lines) + ("\n" if lines else "")


def gap_text(first: int, last: int) -> str:
    return f"… line {first} was not kept …" if first == last else f"… lines {first} to {last} were not kept …"
