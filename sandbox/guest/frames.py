"""Frames on the control channel, guest side: the same bytes as the host's, for file descriptor 3.

Runs inside a box, beside learner code: it holds no secret and decides nothing.
"""

from __future__ import annotations

import json
import os
import struct
from typing import Any

CONTROL_FD = 3
_LENGTHS = struct.Struct(">IQ")
_CHUNK = 1024 * 1024


def write_frame(header: dict[str, Any], payload: bytes = b"", *, fd: int = CONTROL_FD) -> None:
    """Send one frame. Raises OSError when the host has closed the channel."""
    text = json.dumps(header, allow_nan=False, separators=(",", ":")).encode()
    _write_all(fd, _LENGTHS.pack(len(text), len(payload)) + text)
    _write_all(fd, payload)


def read_frame(*, fd: int = CONTROL_FD) -> tuple[dict[str, Any], bytes] | None:
    """Receive one frame as (header, payload); None when the host closed the channel. Raises EOFError inside a frame."""
    lengths = _read_exactly(fd, _LENGTHS.size, may_end=True)
    if lengths is None:
        return None
    header_len, payload_len = _LENGTHS.unpack(lengths)
    header = _read_exactly(fd, header_len) or b""
    payload = _read_exactly(fd, payload_len) or b""
    return json.loads(header), payload


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view[:_CHUNK]) :]


def _read_exactly(fd: int, size: int, *, may_end: bool = False) -> bytes | None:
    data = bytearray()
    while len(data) < size:
        chunk = os.read(fd, min(size - len(data), _CHUNK))
        if not chunk:
            if may_end and not data:
                return None
            raise EOFError(f"control channel closed after {len(data)} of {size} bytes")
        data += chunk
    return bytes(data)
