"""`python -m webapp.config.bench_site.load`: so many people ask for one page again and again, each as soon as it came.

Reads {"port", "path", "sessions", "seconds"} as JSON from its standard input: a connection a session, "" for nobody's.
Prints JSON: the latencies of all answers, their rate until the last one came, how many were none (`failures`), and
this program's own share of one core.
The generator is that of the graders: httptools on uvloop. It is the client's side of the bench, never its limit.
"""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import sys
import time
from collections.abc import Sequence
from typing import Any

import uvloop

from grader.load.connection import Connection, Exchange
from grader.load.plan import Request
from grader.load.wire import Failure

_HOST = "127.0.0.1"
_PATIENCE_S = 30.0  # after the end, for what is under way


class Crowd:
    """Everybody has a connection and at most one request under way."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        self._requests = requests
        self._end = 0.0
        self._left = len(requests)
        self.done: list[Exchange] = []
        self.failures = 0
        self.over = asyncio.Event()

    def begin(self, connections: Sequence[Connection], *, end: float) -> None:
        self._end = end
        for number, connection in enumerate(connections):
            self._ask(connection, number)

    def _ask(self, connection: Connection, number: int) -> None:
        connection.send(Exchange(number, self._requests[number], time.monotonic()))

    def finished(self, connection: Connection, exchange: Exchange, *, reusable: bool) -> None:
        if exchange.failure or exchange.status != 200 or not reusable:
            self.failures += 1
            self._leave()
            return
        self.done.append(exchange)
        exchange.body.clear()
        if exchange.done < self._end:
            self._ask(connection, exchange.number)
        else:
            self._leave()

    def lost(self, connection: Connection) -> None:
        """What it had under way is `finished`."""

    def _leave(self) -> None:
        self._left -= 1
        if self._left == 0:
            self.over.set()


async def main(*, port: int, path: str, sessions: Sequence[str], seconds: float) -> dict[str, Any]:
    requests = [_request(path, key) for key in sessions]
    crowd = Crowd(requests)
    connections = [await _connected(crowd, port) for _ in sessions]
    gc.collect()
    gc.disable()
    began, cpu = time.monotonic(), time.process_time()
    crowd.begin(connections, end=began + seconds)
    await asyncio.wait_for(crowd.over.wait(), seconds + _PATIENCE_S)
    took = time.monotonic() - began
    for connection in connections:
        connection.fail(Failure.UNFINISHED)  # closes it
    return {
        "latencies_ms": [round(1000 * (one.done - one.sent), 2) for one in crowd.done],
        "failures": crowd.failures,
        "rate": round(len(crowd.done) / took, 2),
        "generator_share": round((time.process_time() - cpu) / took, 3),
    }


def _request(path: str, session: str) -> bytes:
    cookie = {"cookie": f"sessionid={session}"} if session else {}
    return Request(method="GET", path=path, headers={"accept": "text/html", **cookie}).raw()


async def _connected(crowd: Crowd, port: int) -> Connection:
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(
        lambda: Connection(crowd, stream=False), _HOST, port, family=socket.AF_INET
    )
    return connection


if __name__ == "__main__":
    sys.stdout.write(json.dumps(uvloop.run(main(**json.load(sys.stdin)))))
