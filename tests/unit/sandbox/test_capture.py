"""A capture keeps head and tail, drains a flood, and tells lines as they come."""

from __future__ import annotations

import io
import os
import threading
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.capture import Capture


def capture(data: bytes, limit: int = 1024, on_line=None):
    return Capture(io.BytesIO(data), limit, on_line).result(timeout_s=20)


def test_it_keeps_everything_under_the_limit():
    kept = capture(b"a\nb\n")
    assert kept.data == b"a\nb\n"
    assert kept.dropped == 0


@given(size=st.integers(0, 300_000), limit=st.integers(1024, 100_000))
def test_it_keeps_head_and_tail_of_the_exact_bytes(size, limit):
    data = (b"%07d\n" * (size // 8 + 1) % tuple(range(size // 8 + 1)))[:size]
    kept = capture(data, limit)
    assert kept.total == size
    assert data.startswith(kept.head)
    assert data.endswith(kept.tail)
    assert len(kept.head) + len(kept.tail) == min(size, limit)


def test_it_says_how_much_it_left_out():
    kept = capture(b"x" * 5000, 1024)
    assert kept.dropped == 5000 - 1024
    assert b"[3976 bytes of output left out here]" in kept.data


def test_it_decodes_bytes_that_are_not_text():
    assert capture(b"ok \xff\n").text == "ok \ufffd\n"


def test_it_tells_lines_in_order_and_the_last_without_its_end():
    lines: list[str] = []
    capture(b"one\n\ntwo\nthree", on_line=lines.append)
    assert lines == ["one", "", "two", "three"]


def test_it_tells_a_line_while_the_stream_is_open():
    read, write = os.pipe()
    told = threading.Event()
    with os.fdopen(read, "rb", buffering=0) as stream:
        running = Capture(stream, 1024, lambda line: told.set() if line == "first" else None)
        os.write(write, b"first\n")
        assert told.wait(10)
        with pytest.raises(TimeoutError):
            running.result(timeout_s=0.01)
        os.close(write)
        assert running.result(timeout_s=10).data == b"first\n"


def test_it_tells_head_note_and_tail_of_a_flood():
    lines: list[str] = []
    capture(b"".join(b"line %d\n" % n for n in range(100_000)), 1024, lines.append)
    assert lines[0] == "line 0"
    assert lines[-1] == "line 99999"
    assert any("only the end is kept" in line for line in lines)
    assert len(lines) < 300


def test_it_cuts_an_endless_line():
    lines: list[str] = []
    capture(b"x" * 50_000, 200_000, lines.append)
    assert "".join(lines) == "x" * 50_000
    assert max(map(len, lines)) <= 8192


def test_a_flood_costs_no_memory():
    class Flood(io.RawIOBase):
        left = 200 * 1024 * 1024

        def read(self, size=-1):
            self.left -= size
            return b"y" * size if self.left > 0 else b""

    tracemalloc.start()
    kept = Capture(Flood(), 64 * 1024).result(timeout_s=60)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept.total > 190 * 1024 * 1024
    assert peak < 2 * 1024 * 1024


def test_it_drains_on_when_the_listener_fails_and_says_so():
    def fail(line):
        raise OSError("log is gone")

    read, write = os.pipe()
    with os.fdopen(read, "rb", buffering=0) as stream:
        running = Capture(stream, 1024, fail)
        for _ in range(64):
            os.write(write, b"z" * 8191 + b"\n")
        os.close(write)
        with pytest.raises(OSError, match="log is gone"):
            running.result(timeout_s=10)


def test_a_sink_gets_the_head_at_once_and_the_rest_at_the_end():
    read, write = os.pipe()
    sink = io.BytesIO()
    capturing = Capture(os.fdopen(read, "rb", buffering=0), 1024, sink=sink)
    os.write(write, b"early")
    deadline = time.monotonic() + 10
    while not sink.getvalue() and time.monotonic() < deadline:
        time.sleep(0.005)
    assert sink.getvalue() == b"early"
    os.write(write, b"x" * 5000 + b"end")
    os.close(write)
    kept = capturing.result(timeout_s=20)
    assert sink.getvalue() == kept.data
    assert sink.getvalue().endswith(b"xend")
    capturing._stream.close()


def test_a_sink_that_fails_does_not_stop_the_draining():
    class Broken(io.BytesIO):
        def write(self, data) -> int:
            raise BrokenPipeError("nobody reads")

    stream = io.BytesIO(b"x" * 300_000)
    with pytest.raises(BrokenPipeError):
        Capture(stream, 1024, sink=Broken()).result(timeout_s=20)
    assert stream.read() == b""
