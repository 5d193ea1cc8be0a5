"""The bytes of a load order and of what came of it, for both ends. Standard library only: it runs inside a box, too.

An order's payload: `count` arrival times (f64), `count` lengths (u32), then the raw HTTP requests. A result's payload:
the columns of `COLUMNS` in their order, then `events` event times (f64), then the bodies. All little-endian; times are
seconds since the start of the load, NaN where a thing never happened.
"""

from __future__ import annotations

import re
import sys
from array import array
from collections.abc import Mapping, Sequence
from enum import IntEnum

# Name → type code of `array`: seconds as doubles, status u16, failure u8, sizes u32.
COLUMNS: Mapping[str, str] = {
    "sent": "d",
    "first_byte": "d",
    "done": "d",
    "status": "H",
    "failure": "B",
    "body_bytes": "I",
    "event_count": "I",
}
MAX_REQUESTS = 200_000
MAX_BODY = 1024 * 1024
MAX_BODIES = 64 * 1024 * 1024
MAX_EVENTS = 1_000_000
EVENT_END = re.compile(rb"\r?\n\r?\n")  # of a server-sent event; lines may end in CR LF

assert sys.byteorder == "little"


class Failure(IntEnum):
    """Why a request has no complete answer."""

    NONE = 0
    REFUSED = 1  # no connection could be made
    CLOSED = 2  # the server closed the connection before the answer was whole
    MALFORMED = 3  # what came is not HTTP
    TIMEOUT = 4
    TOO_LARGE = 5
    UNFINISHED = 6  # the load was over first


def pack_order(arrivals_s: Sequence[float], requests: Sequence[bytes]) -> bytes:
    """The payload of an order. Raises ValueError unless there are as many arrivals as requests."""
    if len(arrivals_s) != len(requests):
        raise ValueError(f"{len(arrivals_s)} arrivals for {len(requests)} requests")
    lengths = array("I", map(len, requests))
    return b"".join([array("d", arrivals_s).tobytes(), lengths.tobytes(), *requests])


def unpack_order(payload: bytes, count: int) -> tuple[array[float], list[bytes]]:
    """The inverse. Raises ValueError when the lengths do not add up."""
    arrivals, at = _take(payload, 0, "d", count)
    lengths, at = _take(payload, at, "I", count)
    requests = []
    for length in map(int, lengths):
        requests.append(payload[at : at + length])
        at += length
    if at != len(payload):
        raise ValueError(f"the order holds {len(payload)} bytes, {at} were announced")
    return arrivals, requests


def pack_result(columns: Mapping[str, array[float] | array[int]], events: array[float], bodies: bytes) -> bytes:
    return b"".join([*(columns[name].tobytes() for name in COLUMNS), events.tobytes(), bodies])


def unpack_result(payload: bytes, count: int) -> tuple[dict[str, array[float] | array[int]], array[float], bytes]:
    """Columns by name, event times, bodies. Raises ValueError when the sizes do not add up."""
    columns: dict[str, array[float] | array[int]] = {}
    at = 0
    for name, code in COLUMNS.items():
        columns[name], at = _take(payload, at, code, count)
    events, at = _take(payload, at, "d", int(sum(columns["event_count"])))
    if len(payload) - at != sum(columns["body_bytes"]):
        raise ValueError(f"bodies hold {len(payload) - at} bytes, {sum(columns['body_bytes'])} were announced")
    return columns, events, payload[at:]


def _take(data: bytes, start: int, code: str, count: int) -> tuple[array[float], int]:
    values: array[float] = array(code)
    end = start + count * values.itemsize
    if end > len(data):
        raise ValueError(f"{end} bytes were announced, {len(data)} came")
    values.frombytes(data[start:end])
    return values, end
