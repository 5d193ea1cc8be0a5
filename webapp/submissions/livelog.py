"""The live log of a run: numbered entries in a capped Redis stream, and the packed copy that stays in the database.

A stream id is `<n>-<k>`: `n` counts lines and outputs from 1, `k` what came after entry n without a number of its own
(progress, a change of status). So "everything after line n" is one read, and no reader can see a line twice.
"""

from __future__ import annotations

import json
import logging
import re
import zlib
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypedDict

import redis
from django.conf import settings

from grader.events import Event, LogEvent, OutputEvent, ProgressEvent

log = logging.getLogger(__name__)
STREAM_CAP = 5_000
EXPIRE_S = 24 * 3600
HEAD = TAIL = 1_000
LINE_CAP = 4_000
UNPACKED_CAP = 16 * 1024**2
# Control characters, except tab and the escapes that only set colours (SGR).
_CONTROL = re.compile(
    r"(\x1b\[[0-9;]{0,32}m)"
    r"|\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?"
    r"|[\x00-\x08\x0a-\x1f\x7f-\x9f]"
)


class Entry(TypedDict, total=False):
    """`type` is line, output, progress or status; `n` is there for lines and outputs."""

    type: str
    n: int
    stream: str
    text: str
    kind: str
    data: Any
    done: float | None


def stream_key(run: object) -> str:
    return f"rz:log:{run}"


def connect() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, decode_responses=True)


def safe_text(text: str) -> str:
    """One line without control characters other than colours, capped; a carriage return shows what came last."""
    line = text.rstrip("\r\n").rpartition("\r")[2]
    cleaned = _CONTROL.sub(lambda found: found[1] or "", line)
    return cleaned if len(cleaned) <= LINE_CAP else cleaned[:LINE_CAP] + " …"


def entry_of(event: Event) -> Entry:
    if isinstance(event, LogEvent):
        return Entry(type="line", stream=event.stream, text=safe_text(event.text))
    if isinstance(event, OutputEvent):
        return Entry(type="output", kind=event.kind, data=event.data)
    assert isinstance(event, ProgressEvent)
    return Entry(type="progress", text=safe_text(event.text), done=event.done)


@dataclass(slots=True)
class Kept:
    """What stays of a log: the first and the last numbered entries."""

    head: list[Entry]
    tail: deque[Entry]

    def add(self, entry: Entry) -> None:
        if len(self.head) < HEAD:
            self.head.append(entry)
        else:
            self.tail.append(entry)

    def entries(self) -> list[Entry]:
        return [*self.head, *self.tail]


class LiveLog:
    """Writes one run's log. A broken Redis costs the live view, never the run: the kept copy goes on."""

    def __init__(self, run: object, client: redis.Redis | None = None) -> None:
        self.key = stream_key(run)
        self.client = client or connect()
        self.kept = Kept(head=[], tail=deque(maxlen=TAIL))
        self.number = self.minor = 0
        self.broken = False
        self._load()

    def _load(self) -> None:
        """Go on where an earlier try of this run stopped."""
        for identity, entry in self._try(lambda: read(self.client, self.key)) or []:
            self.number, self.minor = identity
            if "n" in entry:
                self.kept.add(entry)

    def add(self, event: Event) -> None:
        entry = entry_of(event)
        self._send(entry)
        if "n" in entry:
            self.kept.add(entry)

    def system(self, text: str) -> None:
        self.add(LogEvent(stream="system", text=text))

    def status(self) -> None:
        """Tell readers to look at the row."""
        self._send(Entry(type="status"))

    def packed(self) -> bytes:
        return pack(self.kept.entries())

    def close(self) -> None:
        if not self.broken:
            self._try(lambda: self.client.expire(self.key, EXPIRE_S))
        self.client.close()

    def _send(self, entry: Entry) -> None:
        """Number the entry and send it. Raises nothing."""
        if not self._try(lambda: self._append(entry)) and not self.broken:
            self._try(lambda: self._catch_up() and self._append(entry))

    def _append(self, entry: Entry) -> bool:
        if entry["type"] in ("line", "output"):
            self.number, self.minor = self.number + 1, 0
            entry["n"] = self.number
        else:
            self.minor += 1
        identity = f"{self.number}-{self.minor}"
        fields: dict[Any, Any] = {"e": json.dumps(entry)}
        if not self.broken:
            self.client.xadd(self.key, fields, id=identity, maxlen=STREAM_CAP, approximate=True)
        return True

    def _catch_up(self) -> bool:
        """A worker that lost its lease may still write under this run's name: go on above its last entry."""
        raw: Any = self.client.xrevrange(self.key, count=1)
        for identity, fields in raw:
            self.number, self.minor = parse(identity, fields)[0]
        return True

    def _try(self, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except redis.ResponseError as error:
            log.warning("the live log refused an entry: %s", error)
        except (redis.RedisError, OSError) as error:
            self.broken = True
            log.warning("the live log is off for the rest of this run: %s", error)
        return None


def log_so_far(run: object) -> bytes:
    """What the stream of a run has, packed: for a run whose worker is gone."""
    live = LiveLog(run)
    live.close()
    return live.packed()


def read(client: redis.Redis, key: str) -> list[tuple[tuple[int, int], Entry]]:
    raw: Any = client.xrange(key)
    return [parse(identity, fields) for identity, fields in raw]


def parse(identity: str, fields: dict[str, str]) -> tuple[tuple[int, int], Entry]:
    number, _, minor = identity.partition("-")
    return (int(number), int(minor)), json.loads(fields["e"])


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
        if entry["n"] > last + 1 and last:
            lines.append(f"… {entry['n'] - last - 1} lines were not kept …")
        last = entry["n"]
        text = entry["text"] if entry["type"] == "line" else f"({entry.get('kind', 'output')})"
        lines.append(re.sub(r"\x1b\[[0-9;]*m", "", text))
    return "\n".join(lines) + ("\n" if lines else "")
