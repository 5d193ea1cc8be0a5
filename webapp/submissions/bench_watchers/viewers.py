"""`python -m webapp.submissions.bench_watchers.viewers <port> <run>`: viewers of a run, as pages would watch it.

Reads their session keys as JSON from stdin; prints `ready` once all are connected, and at the run's end JSON: the
percentiles of the delay from writing to receipt over all lines and viewers, and what was missing or came twice.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

_AT_ONCE = 25  # that many connect at the same time
_OPEN_S = 60.0


@dataclass(slots=True)
class Seen:
    """Of all viewers together. `odd`: lines that did not follow their predecessor."""

    delays: array[float] = field(default_factory=lambda: array("d"))
    frames: int = 0
    odd: int = 0
    ended: int = 0


@lru_cache(maxsize=256)
def parsed(frame: str) -> tuple[tuple[tuple[int, int], ...], bool]:
    """Number and time of writing of each line, and whether the run is over. Cached: all viewers get the same text."""
    messages: list[dict[str, Any]] = json.loads(frame)
    lines = tuple((m["n"], int(m["text"].split(" ", 1)[0])) for m in messages if m["type"] == "line")
    return lines, any(m["type"] == "done" for m in messages)


async def watch(socket: ClientConnection, seen: Seen) -> None:
    last = 0
    async for frame in socket:
        now = time.monotonic_ns()
        lines, over = parsed(str(frame))
        seen.frames += 1
        for number, written in lines:
            seen.odd += number != last + 1
            last = number
            seen.delays.append((now - written) / 1e6)
        seen.ended += over


async def main(port: int, run: str, sessions: Sequence[str]) -> dict[str, Any]:
    gate, seen = asyncio.Semaphore(_AT_ONCE), Seen()

    async def opened(session: str) -> ClientConnection:
        headers = {"Cookie": f"sessionid={session}", "Origin": f"http://127.0.0.1:{port}"}
        async with gate:
            address = f"ws://127.0.0.1:{port}/ws/runs/{run}/?after=0&batch=1"
            return await connect(address, additional_headers=headers, open_timeout=_OPEN_S, ping_interval=None)

    began = time.monotonic()
    sockets = await asyncio.gather(*map(opened, sessions))
    watching = [asyncio.create_task(watch(socket, seen)) for socket in sockets]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    connected = time.monotonic() - began
    await asyncio.gather(*watching)
    return {"viewers": len(sessions), "connect_s": round(connected, 2), **summary(seen)}


def summary(seen: Seen) -> dict[str, Any]:
    delays = sorted(seen.delays)
    at = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
    return {
        "lines_received": len(delays),
        "frames": seen.frames,
        "odd": seen.odd,
        "ended": seen.ended,
        "delay_ms": {name: round(delays[int(share * (len(delays) - 1))], 1) for name, share in at.items()}
        | {"max": round(delays[-1], 1)},
    }


if __name__ == "__main__":
    found = asyncio.run(main(int(sys.argv[1]), sys.argv[2], json.load(sys.stdin)))
    sys.stdout.write(json.dumps(found))
