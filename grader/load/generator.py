"""The load generator: sends requests at the times that the judge drew, whatever the server does, and notes each end.

Runs in a box of its own, in the candidate's pod, as `python -P -m grader.load.generator`. Open loop: a request that
finds every connection busy waits, and its latency counts from the time at which it was due, so a server that stalls is
not spared the requests that a waiting client would never have sent ("coordinated omission": G. Tene, "How NOT to
Measure Latency", 2015). asyncio on uvloop; the judge reads this box's CPU time from outside.
"""

from __future__ import annotations

import asyncio
import gc
import socket
import time
from array import array
from collections import deque
from typing import Any

import uvloop

from grader.load.connection import Connection, Exchange
from grader.load.wire import COLUMNS, MAX_BODIES, MAX_EVENTS, Failure, pack_result, unpack_order
from sandbox.guest.frames import read_frame, write_frame

HOST = "127.0.0.1"
_SWEEP_S = 0.05
_LEAD_S = 0.05


class Load:
    """One order. Connections are opened when needed, `most` at once, and kept."""

    def __init__(
        self, arrivals_s: array[float], requests: list[bytes], *, port: int, most: int, timeout_s: float, stream: bool
    ) -> None:
        self._port = port
        self._most = most
        self._timeout_s = timeout_s
        self._stream = stream
        self._begin = 0.0
        self._coming = deque(
            Exchange(n, raw, due) for n, (due, raw) in enumerate(zip(arrivals_s, requests, strict=True))
        )
        self.exchanges = list(self._coming)
        self._waiting: deque[Exchange] = deque()
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._opening = 0
        self._left = len(self.exchanges)
        self._over = asyncio.Event()

    async def run(self) -> float:
        """Send everything and wait for its end; when it began, in `time.monotonic()` seconds."""
        self._begin = time.monotonic() + _LEAD_S
        for exchange in self.exchanges:
            exchange.due += self._begin
        tasks = [asyncio.create_task(self._send_when_due()), asyncio.create_task(self._time_out())]
        await self._over.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for connection in list(self._open):
            connection.fail(Failure.UNFINISHED)
        return self._begin

    async def _send_when_due(self) -> None:
        while self._coming:
            pause = self._coming[0].due - time.monotonic()
            if pause > 0:
                await asyncio.sleep(pause)
            now = time.monotonic()
            while self._coming and self._coming[0].due <= now:
                self._waiting.append(self._coming.popleft())
            self._serve_waiting()

    def _serve_waiting(self) -> None:
        while self._waiting and self._idle:
            self._idle.pop().send(self._waiting.popleft())
        wanted = min(len(self._waiting), self._most) - self._opening
        for _ in range(min(wanted, self._most - len(self._open) - self._opening)):
            self._opening += 1
            asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(
                lambda: Connection(self, stream=self._stream), HOST, self._port, family=socket.AF_INET
            )
        except OSError:
            self._opening -= 1
            if self._waiting:
                self._end(self._waiting.popleft(), Failure.REFUSED)
            return
        self._opening -= 1
        self._open.add(connection)
        self._idle.append(connection)
        self._serve_waiting()

    def finished(self, connection: Connection, exchange: Exchange, *, reusable: bool) -> None:
        """A connection has its answer, or has given up."""
        self._left -= 1
        if self._left == 0:
            self._over.set()
        if reusable:
            self._idle.append(connection)
            self._serve_waiting()

    def lost(self, connection: Connection) -> None:
        """A connection is closed: another may take its place."""
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._serve_waiting()

    def _end(self, exchange: Exchange, failure: Failure) -> None:
        exchange.failure = failure
        self._left -= 1
        if self._left == 0:
            self._over.set()

    async def _time_out(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_S)
            late = time.monotonic() - self._timeout_s
            while self._waiting and self._waiting[0].due < late:
                self._end(self._waiting.popleft(), Failure.TIMEOUT)
            for connection in list(self._open):
                if connection.exchange is not None and connection.exchange.due < late:
                    connection.fail(Failure.TIMEOUT)


def result_of(exchanges: list[Exchange], begin: float) -> bytes:
    """The payload of the answer; bodies and events over their caps in total are dropped, as too large."""
    columns: dict[str, array[Any]] = {name: array(code) for name, code in COLUMNS.items()}
    events, bodies = array("d"), bytearray()
    for exchange in exchanges:
        if len(bodies) + len(exchange.body) > MAX_BODIES or len(events) + len(exchange.event_times) > MAX_EVENTS:
            exchange.failure, exchange.body, exchange.event_times = Failure.TOO_LARGE, bytearray(), []
        columns["sent"].append(exchange.sent - begin)
        columns["first_byte"].append(exchange.first_byte - begin)
        columns["done"].append(exchange.done - begin)
        columns["status"].append(exchange.status)
        columns["failure"].append(exchange.failure)
        columns["body_bytes"].append(len(exchange.body))
        columns["event_count"].append(len(exchange.event_times))
        events.extend(when - begin for when in exchange.event_times)
        bodies += exchange.body
    return pack_result(columns, events, bytes(bodies))


def wait_until_listening(port: int, timeout_s: float) -> bool:
    """Whether something takes connections at `port` within that time."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.settimeout(1.0)
            if probe.connect_ex((HOST, port)) == 0:
                return True
        time.sleep(0.01)
    return False


def main() -> None:
    """Serve orders until the host closes the channel."""
    while (frame := read_frame()) is not None:
        header, payload = frame
        if header["do"] == "wait":
            answer, data = {"listening": wait_until_listening(header["port"], header["timeout_s"])}, b""
        else:
            answer, data = {"count": header["count"]}, _load(header, payload)
        write_frame({"nonce": header["nonce"], **answer}, data)


def _load(header: dict[str, Any], payload: bytes) -> bytes:
    arrivals_s, requests = unpack_order(payload, header["count"])
    options = {name: header[name] for name in ("port", "most", "timeout_s", "stream")}

    async def run() -> bytes:
        load = Load(arrivals_s, requests, **options)
        # A collection in the middle of a load would look like the server's stall.
        gc.collect()
        gc.disable()
        try:
            begin = await load.run()
        finally:
            gc.enable()
        return result_of(load.exchanges, begin)

    return uvloop.run(run())


if __name__ == "__main__":
    main()
