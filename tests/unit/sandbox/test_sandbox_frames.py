"""Frames: what one side writes the other reads, and nothing else passes."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import FrameError
from sandbox.frames import parse_header, recv_frame, send_frame
from sandbox.guest import frames as guest

_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@given(header=st.dictionaries(st.text(), _VALUES, max_size=5), payload=st.binary(max_size=2000))
def test_it_reads_what_either_side_writes(header, payload):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        send_frame(ours, header, payload)
        assert guest.read_frame(fd=theirs.fileno()) == (header, payload)
        guest.write_frame(header, payload, fd=theirs.fileno())
        frame = recv_frame(ours, timeout_s=5)
        assert frame is not None
        assert (frame.header, frame.payload) == (header, payload)


def test_it_carries_a_payload_larger_than_the_socket_buffer(pair):
    ours, theirs = pair
    payload = os.urandom(3_000_000)
    writer = threading.Thread(target=guest.write_frame, args=({"n": 1}, payload), kwargs={"fd": theirs.fileno()})
    writer.start()
    frame = recv_frame(ours, timeout_s=20)
    writer.join()
    assert frame is not None
    assert frame.payload == payload


def test_it_says_none_when_the_peer_closed_between_frames(pair):
    ours, theirs = pair
    theirs.close()
    assert recv_frame(ours, timeout_s=5) is None


def test_it_refuses_a_frame_cut_off(pair):
    ours, theirs = pair
    theirs.sendall(struct.pack(">IQ", 2, 100) + b"{}" + b"short")
    theirs.close()
    with pytest.raises(FrameError, match="after 5 of 100"):
        recv_frame(ours, timeout_s=5)


@pytest.mark.parametrize("lengths", [(2**32 - 1, 0), (2, 2**64 - 1), (65, 0), (2, 11)])
def test_it_refuses_announced_sizes_over_the_cap_at_once(pair, lengths):
    ours, theirs = pair
    theirs.sendall(struct.pack(">IQ", *lengths))
    with pytest.raises(FrameError, match="over the cap"):
        recv_frame(ours, max_header=64, max_payload=10, timeout_s=5)


@pytest.mark.parametrize(
    "text",
    [b"", b"[1]", b"null", b"1", b"{", b'{"a": NaN}', b'{"a": -Infinity}', b'{"a":1,"a":2}', b"\xff{}", b"[" * 50_000],
)
def test_it_refuses_a_header_that_is_not_a_strict_object(text):
    with pytest.raises(FrameError, match="not a JSON object"):
        parse_header(text)


def test_it_reads_a_strict_object():
    assert parse_header(b'{"a": [1, null, "x"]}') == {"a": [1, None, "x"]}


def test_a_peer_that_drips_gains_no_time(pair):
    ours, theirs = pair
    stop = threading.Event()

    def drip():
        theirs.sendall(struct.pack(">IQ", 1000, 0))
        while not stop.wait(0.05):
            theirs.sendall(b" ")

    thread = threading.Thread(target=drip)
    thread.start()
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        recv_frame(ours, timeout_s=0.4)
    assert time.monotonic() - started < 3
    stop.set()
    thread.join()


def test_a_peer_that_never_reads_does_not_hold_the_sender(pair):
    ours, _ = pair
    with pytest.raises(TimeoutError):
        send_frame(ours, {}, bytes(8_000_000), timeout_s=0.2)


def test_it_refuses_to_write_what_it_would_refuse_to_read(pair):
    ours, theirs = pair
    with pytest.raises(ValueError, match="JSON compliant"):
        send_frame(ours, {"x": float("nan")})
    with pytest.raises(ValueError, match="JSON compliant"):
        guest.write_frame({"x": float("inf")}, fd=theirs.fileno())


def test_the_guest_notices_a_frame_cut_off(pair):
    ours, theirs = pair
    ours.sendall(struct.pack(">IQ", 2, 4) + b"{}")
    ours.close()
    with pytest.raises(EOFError):
        guest.read_frame(fd=theirs.fileno())


def test_the_guest_reads_none_at_the_end(pair):
    ours, theirs = pair
    ours.close()
    assert guest.read_frame(fd=theirs.fileno()) is None
