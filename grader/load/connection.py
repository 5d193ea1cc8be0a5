"""One keep-alive HTTP/1.1 connection of the load generator. Runs inside a box; the server is hostile.

httptools parses (the parser of Node.js); what it hands over is capped here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Protocol, cast

import httptools
from typing_extensions import override

from grader.load.wire import EVENT_END, MAX_BODY, Failure

_SPLIT_END = 3  # bytes of an event's end that may come before the rest of it


class Exchange:
    """One request and what came of it; times are `time.monotonic()` seconds."""

    __slots__ = (
        "body",
        "done",
        "due",
        "event_times",
        "failure",
        "first_byte",
        "number",
        "request",
        "searched",
        "sent",
        "status",
    )

    def __init__(self, number: int, request: bytes, due: float) -> None:
        self.number = number
        self.request = request
        self.due = due
        self.sent = self.first_byte = self.done = float("nan")
        self.status = 0
        self.failure = Failure.UNFINISHED
        self.body = bytearray()
        self.event_times: list[float] = []
        self.searched = 0

    def note_events(self, now: float) -> None:
        """Note `now` for each server-sent event that has ended since the last time; blank ones, too."""
        while end := EVENT_END.search(self.body, self.searched):
            self.event_times.append(now)
            self.searched = end.end()
        self.searched = max(self.searched, len(self.body) - _SPLIT_END)


class Owner(Protocol):
    """Whoever hands out exchanges and takes connections back."""

    def finished(self, connection: Connection, exchange: Exchange, *, reusable: bool) -> None: ...

    def lost(self, connection: Connection) -> None: ...


class Connection(asyncio.Protocol):
    """Sends one request at a time. `stream`: note when each server-sent event came."""

    def __init__(self, owner: Owner, *, stream: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._owner = owner
        self._stream = stream
        self._clock = clock
        self._transport: asyncio.Transport | None = None
        self._exchange: Exchange | None = None
        self._now = 0.0
        self._complete = False
        self._reusable = False
        self._parser = httptools.HttpResponseParser(self)

    @property
    def exchange(self) -> Exchange | None:
        return self._exchange

    def send(self, exchange: Exchange) -> None:
        """Send the request; the owner hears of the end."""
        assert self._transport is not None
        self._exchange = exchange
        exchange.sent = self._clock()
        self._transport.write(exchange.request)

    def fail(self, failure: Failure) -> None:
        """Give the exchange up and close."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.failure = failure
            self._owner.finished(self, exchange, reusable=False)
        if self._transport is not None:
            self._transport.abort()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are asyncio's by behaviour, not by class.
        self._transport = cast("asyncio.Transport", transport)

    @override
    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self.fail(Failure.CLOSED)
        self._owner.lost(self)

    @override
    def data_received(self, data: bytes) -> None:
        self._now = self._clock()
        exchange = self._exchange
        if exchange is None:  # bytes that nobody asked for
            self.fail(Failure.MALFORMED)
            return
        if exchange.first_byte != exchange.first_byte:  # NaN
            exchange.first_byte = self._now
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.fail(Failure.MALFORMED)
            return
        if self._complete:
            self._finish()

    # What httptools calls.

    def on_message_begin(self) -> None:
        if self._complete:  # a second answer to one request, come with the first
            self.fail(Failure.MALFORMED)

    def on_body(self, chunk: bytes) -> None:
        exchange = self._exchange
        if exchange is None:
            return
        if len(exchange.body) + len(chunk) > MAX_BODY:
            self.fail(Failure.TOO_LARGE)
            return
        exchange.body += chunk
        if self._stream:
            exchange.note_events(self._now)

    def on_message_complete(self) -> None:
        exchange = self._exchange
        if exchange is None:
            return
        exchange.done = self._now
        exchange.status = self._parser.get_status_code()
        self._reusable = self._parser.should_keep_alive()
        self._complete = True

    def _finish(self) -> None:
        """The answer is whole, and nothing came behind it; only now may the next request be sent."""
        exchange, self._exchange = self._exchange, None
        self._complete = False
        if exchange is None:
            return
        exchange.failure = Failure.NONE
        self._owner.finished(self, exchange, reusable=self._reusable)
        if not self._reusable and self._transport is not None:
            self._transport.close()
