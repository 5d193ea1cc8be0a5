from __future__ import annotations

import uuid
from typing import Any

import pytest
import redis

from grader.events import LogEvent, OutputEvent, ProgressEvent
from webapp.submissions import livelog
from webapp.submissions.livelog import LiveLog, as_text, pack, read, safe_text, stream_key, unpack


@pytest.fixture
def client(valkey: str) -> redis.Redis:
    return redis.Redis.from_url(valkey, decode_responses=True)


def out(text: str) -> LogEvent:
    return LogEvent(stream="out", text=text)


def test_it_numbers_lines_and_outputs_only(client: redis.Redis) -> None:
    live = LiveLog("a")
    live.add(ProgressEvent(text="Starting", done=0.0))
    live.add(out("one"))
    live.add(ProgressEvent(text="Half", done=0.5))
    live.status()
    live.add(OutputEvent(kind="text", data="42"))
    live.close()
    entries = read(client, stream_key("a"))
    assert [identity for identity, _ in entries] == [(0, 1), (1, 0), (1, 1), (1, 2), (2, 0)]
    assert [entry["type"] for _, entry in entries] == ["progress", "line", "progress", "status", "output"]
    assert [entry["n"] for entry in unpack(live.packed())] == [1, 2]
    assert client.ttl(stream_key("a")) > 3600


def test_it_goes_on_where_an_earlier_try_stopped() -> None:
    first = LiveLog("b")
    first.add(out("one"))
    second = LiveLog("b")
    second.add(out("two"))
    assert [(entry["n"], entry["text"]) for entry in unpack(second.packed())] == [(1, "one"), (2, "two")]


def test_it_writes_above_a_worker_that_lost_its_lease(client: redis.Redis) -> None:
    old, new = LiveLog("c"), LiveLog("c")
    for text in ("old 1", "old 2"):
        old.add(out(text))
    new.add(out("new 1"))
    entries = read(client, stream_key("c"))
    assert [(entry["n"], entry["text"]) for _, entry in entries] == [(1, "old 1"), (2, "old 2"), (3, "new 1")]


def test_it_caps_the_stream_and_keeps_head_and_tail(client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(livelog, "STREAM_CAP", 300)
    live = LiveLog("d")
    for number in range(3_000):
        live.add(out(str(number + 1)))
    kept = unpack(live.packed())
    assert client.xlen(stream_key("d")) < 600
    assert [entry["n"] for entry in kept] == [*range(1, 1001), *range(2001, 3001)]
    assert "… 1000 lines were not kept …" in as_text(kept)


def test_it_keeps_the_log_when_redis_is_away(caplog: Any) -> None:
    live = LiveLog("e", redis.Redis.from_url("unix:///nowhere/s"))
    live.add(out("one"))
    live.add(out("two"))
    live.close()
    assert [entry["text"] for entry in unpack(live.packed())] == ["one", "two"]
    assert caplog.text.count("the live log is off") == 1


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
    entries = [livelog.Entry(type="line", n=1, stream="out", text="é\x1b[31m!")]
    assert unpack(pack(entries)) == entries
    assert unpack(b"") == []
    assert as_text(entries) == "é!\n"


def test_it_drops_outputs_that_are_too_large_to_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(livelog, "UNPACKED_CAP", 10_000)
    entries = [
        livelog.Entry(type="line", n=1, stream="out", text="a"),
        livelog.Entry(type="output", n=2, kind="png", data="x" * 20_000),
    ]
    assert [entry["text"] for entry in unpack(pack(entries))] == ["a", "(an output was too large to keep)"]


def test_streams_of_runs_do_not_meet() -> None:
    one, two = uuid.uuid4(), uuid.uuid4()
    assert stream_key(one) == f"rz:log:{one}" != stream_key(two)
