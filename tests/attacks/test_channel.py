"""A program that poisons, floods, closes or ignores its control channel hurts only itself."""

from __future__ import annotations

import time

import pytest

from sandbox import FrameError
from sandbox.frames import recv_frame, send_frame

pytestmark = [pytest.mark.box, pytest.mark.usefixtures("nothing_left")]


@pytest.fixture
def start(world):
    started = []

    def _start(code: str, **values):
        started.append(world.start([world.python, "-c", code], wall_s=20, **values))
        return started[-1]

    yield _start
    for process in started:
        process.close()


def test_an_honest_program_answers(start):
    code = """
import os, struct
head = os.read(3, 12); lengths = struct.unpack(">IQ", head)
body = os.read(3, sum(lengths))
os.write(3, head + body)
"""
    process = start(code)
    send_frame(process.control, {"n": 1}, b"abc")
    frame = recv_frame(process.control, timeout_s=10)
    assert frame is not None
    assert (frame.header, frame.payload) == ({"n": 1}, b"abc")
    assert process.wait().exit_code == 0


@pytest.mark.parametrize(
    "poison",
    [
        "os.urandom(4096).replace(b'\\0', b'x')",
        "b'\\xff' * 12",
        "struct.pack('>IQ', 2, 2**63) + b'{}'",
        "struct.pack('>IQ', 2**32 - 1, 0)",
        "struct.pack('>IQ', 2, 0) + b'[]'",
        "struct.pack('>IQ', 2, 9) + b'{}' + b'cut off'",
        "struct.pack('>IQ', 40000, 0) + b'[' * 40000",
        "b'\\0'",
    ],
)
def test_poison_is_refused_as_such(start, poison):
    process = start(f"import os, struct\nos.write(3, {poison})\nos.close(3)")
    with pytest.raises(FrameError):
        recv_frame(process.control, timeout_s=10)


def test_a_closed_channel_reads_as_the_end(start):
    process = start("import os, time\nos.close(3)\ntime.sleep(5)")
    assert recv_frame(process.control, timeout_s=10) is None
    assert process.stdout is not None


def test_silence_ends_at_the_time_limit(start):
    process = start("import time; time.sleep(15)")
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        recv_frame(process.control, timeout_s=0.5)
    assert time.monotonic() - started < 2


def test_a_deaf_program_does_not_hold_the_sender(start):
    process = start("import time; time.sleep(15)")
    with pytest.raises(TimeoutError):
        send_frame(process.control, {}, bytes(16_000_000), timeout_s=0.5)


def test_a_flooded_channel_fills_no_memory_of_ours(start):
    process = start("import os\nwhile True: os.write(3, b'x' * 65536)")
    with pytest.raises(FrameError, match="over the cap"):
        recv_frame(process.control, timeout_s=10)


def test_a_descriptor_sent_along_is_dropped(start):
    code = """
import array, os, socket
sock = socket.socket(fileno=3)
socket.send_fds(sock, [b"\\0\\0\\0\\2" + bytes(8) + b"{}"], [os.open("/work", os.O_RDONLY), 0])
"""
    process = start(code)
    frame = recv_frame(process.control, timeout_s=10)
    assert frame is not None
    assert frame.header == {}
    assert process.wait().exit_code == 0
