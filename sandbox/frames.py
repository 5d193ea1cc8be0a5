"""Frames on a control channel, host side. The peer is hostile: every size is capped and every read has one deadline.

A frame is a 4-byte big-endian header length, an 8-byte big-endian payload length, the header (a JSON object in UTF-8)
and the payload (raw bytes).
"""

from __future__ import annotations

import json
import socket
import struct
import time
from dataclasses import dataclass
from typing import Any, NoReturn

from sandbox.errors import FrameError

_LENGTHS = struct.Struct(">IQ")
MAX_HEADER = 64 * 1024
MAX_PAYLOAD = 256 * 1024 * 1024
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One message."""

    header: dict[str, Any]
    payload: bytes = b""


def send_frame(
    sock: socket.socket, header: dict[str, Any], payload: bytes = b"", *, timeout_s: float | None = None
) -> None:
    """Send one frame. Raises TimeoutError if the peer does not take it in time, OSError if it is gone."""
    text = json.dumps(header, allow_nan=False, separators=(",", ":")).encode()
    sock.settimeout(timeout_s)
    sock.sendall(_LENGTHS.pack(len(text), len(payload)) + text)
    if payload:
        sock.sendall(payload)


def recv_frame(
    sock: socket.socket,
    *,
    max_header: int = MAX_HEADER,
    max_payload: int = MAX_PAYLOAD,
    timeout_s: float | None = None,
) -> Frame | None:
    """Receive one frame; None when the peer closed between frames.

    `timeout_s` bounds the whole frame, so a peer that drips bytes gains nothing.
    Raises FrameError (malformed, too large, cut off), TimeoutError, OSError.
    """
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    lengths = _recv_exactly(sock, _LENGTHS.size, deadline, may_end=True)
    if lengths is None:
        return None
    header_len, payload_len = _LENGTHS.unpack(lengths)
    if header_len > max_header or payload_len > max_payload:
        raise FrameError(f"frame of {header_len} + {payload_len} bytes is over the cap of {max_header} + {max_payload}")
    header = _recv_exactly(sock, header_len, deadline)
    payload = _recv_exactly(sock, payload_len, deadline)
    return Frame(header=parse_header(bytes(header or b"")), payload=bytes(payload or b""))


def parse_header(text: bytes) -> dict[str, Any]:
    """Read a strict JSON object: UTF-8, no NaN or infinity, no name twice. Raises FrameError."""
    try:
        header = json.loads(text.decode(), object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise FrameError(f"header is not a JSON object: {str(error)[:200]}") from None
    if not isinstance(header, dict):
        raise FrameError("header is not a JSON object")
    return header


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name occurs twice")
    return names


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")


def _recv_exactly(sock: socket.socket, size: int, deadline: float | None, *, may_end: bool = False) -> bytearray | None:
    """Read `size` bytes; memory grows with what arrived, not with what was announced."""
    data = bytearray()
    while len(data) < size:
        sock.settimeout(None if deadline is None else max(deadline - time.monotonic(), 0.000_001))
        chunk = sock.recv(min(size - len(data), _CHUNK))
        if not chunk:
            if may_end and not data:
                return None
            raise FrameError(f"channel closed after {len(data)} of {size} bytes of a frame")
        data += chunk
    return data
