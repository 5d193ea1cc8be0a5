"""The live log of a run: numbered entries in a Redis stream while it goes, and the packed copy for the database."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable

import redis

from grader.events import Event, LogEvent, OutputEvent, ProgressEvent
from webapp.submissions.keptlog import Kept, pack
from webapp.submissions.logstream import START, Entry, FencedError, Identity, StreamWriter, connect, read, stream_key
from webapp.submissions.redaction import redact, redacted

log = logging.getLogger(__name__)
LINE_CAP = 4_000
EVERY_S = 0.05  # at most one write in this time …
BURST, BURST_BYTES = 250, 256 * 1024  # … of so much: a flood cannot fill Redis or its readers
RETRY_S = 1.0
LOST = 100_000  # a try whose predecessor's entries are lost counts from its own multiple: no number is used twice
# Control characters, except tab and the escapes that only set colours (SGR).
_CONTROL = re.compile(
    r"(\x1b\[[0-9;:]{0,32}m)"
    r"|\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?"
    r"|[\x00-\x08\x0a-\x1f\x7f-\x9f]"
)


def safe_text(text: str) -> str:
    """One line without secrets or controls other than colours, capped; a carriage return shows what came last."""
    line = text.rstrip("\r\n").rpartition("\r")[2]
    cleaned = redact(_CONTROL.sub(lambda found: found[1] or "", line))
    return cleaned if len(cleaned) <= LINE_CAP else cleaned[:LINE_CAP] + " …"


def entry_of(event: Event) -> Entry:
    if isinstance(event, LogEvent):
        return Entry(type="line", stream=event.stream, text=safe_text(event.text))
    if isinstance(event, OutputEvent):
        data = event.data if event.kind == "png" else redacted(event.data)
        return Entry(type="output", kind=event.kind, data=data)
    assert isinstance(event, ProgressEvent)
    return Entry(type="progress", text=safe_text(event.text), done=event.done)


class LiveLog:
    """Writes one run's log, from any thread and without waiting: a thread of its own sends what came, every 50 ms.

    `token` is the claim's: a later claim's writer refuses this one. A broken Redis costs the live view for as long as
    it lasts, never the run: the kept copy goes on, and what Redis lost is written again when it is back.
    """

    def __init__(self, run: object, client: redis.Redis | None = None, *, token: int = 1) -> None:
        self._client = client or connect()
        self._stream = StreamWriter(run, self._client, token)
        self._kept = Kept()
        self._number, self._minor = (token - 1) * LOST, 0
        self._after: Identity | None = None  # the stream's last entry; None: not known, ask
        self._fenced = self._broken = False
        self._lock = threading.Lock()  # of what is kept, and of the numbers
        self._sending = threading.Lock()
        self._wanted, self._closing = threading.Event(), threading.Event()
        self._try(self._load)
        self._thread = threading.Thread(target=self._run, name=f"log-{run}", daemon=True)
        self._thread.start()

    def add(self, event: Event) -> None:
        self._put(entry_of(event))

    def system(self, text: str) -> None:
        self.add(LogEvent(stream="system", text=text))

    def status(self) -> None:
        """Tell readers to look at the row."""
        self._put(Entry(type="status"))

    def packed(self) -> bytes:
        with self._lock:
            entries = self._kept.entries()
        return pack(entries)

    def flush(self) -> None:
        """Send all that waits, unless Redis is away."""
        while self._try(self._send):
            pass

    def close(self) -> None:
        self._closing.set()
        self._wanted.set()
        self._thread.join()
        self.flush()
        self._client.close()

    def _load(self) -> bool:
        """Go on where an earlier try of this run stopped."""
        self._after = self._stream.take()
        for identity, entry in read(self._client, self._stream.key):
            self._kept.add(identity, entry)
        if self._after != START:
            self._number, self._minor = self._after
        self._kept.sent_up_to(self._after)
        return False

    def _put(self, entry: Entry) -> None:
        with self._lock:
            if entry["type"] in ("line", "output"):
                self._number, self._minor = self._number + 1, 0
                entry["n"] = self._number
            else:
                self._minor += 1
            self._kept.add((self._number, self._minor), entry)
        self._wanted.set()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wanted.wait()
            self._wanted.clear()
            if self._try(self._send) or self._broken:
                self._wanted.set()
            self._closing.wait(RETRY_S if self._broken else EVERY_S)

    def _send(self) -> bool:
        """One batch; True when more waits. Raises what the stream raises, and nothing is lost by it."""
        after = self._resync() if self._after is None else self._after
        with self._lock:
            batch, gone = self._kept.take_unsent(BURST, BURST_BYTES), self._kept.take_gone()
        if not batch and not gone:
            return False
        self._after = None  # until Redis has answered
        done = False
        try:
            done = self._stream.append(after, gone, [(item.identity, item.text) for item in batch])
        finally:
            if done:
                self._after = batch[-1].identity if batch else after
            else:
                with self._lock:
                    self._kept.gone += gone
        return True

    def _resync(self) -> Identity:
        last = self._stream.take()
        with self._lock:
            self._kept.sent_up_to(last)
        return last

    def _try(self, action: Callable[[], bool]) -> bool:
        """False too when it failed: then `_broken` or `_fenced` says so. One thread at a time."""
        with self._sending:
            if self._fenced:
                return False
            try:
                more = action()
            except FencedError:
                self._fenced = True
                log.warning("another worker writes the live log of this run now")
                return False
            except (redis.RedisError, OSError) as error:
                if not self._broken:
                    log.warning("the live log is off until Redis is back: %s", error)
                self._broken = True
                return False
            self._broken = False
            return more


def log_so_far(run: object) -> bytes:
    """What the stream of a run has, packed: for a run whose worker is gone. b"" when Redis is away too."""
    with connect() as client:
        try:
            entries = [entry for _, entry in read(client, stream_key(run)) if "n" in entry]
        except (redis.RedisError, OSError) as error:
            log.warning("the live log of a lost run cannot be read: %s", error)
            return b""
    return pack(entries)
