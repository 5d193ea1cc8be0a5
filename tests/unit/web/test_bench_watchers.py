"""`bench watchers`: what it makes of what it saw; the site and the sockets themselves are measured by running it."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from webapp.submissions.bench_watchers import report
from webapp.submissions.bench_watchers.suite import goals
from webapp.submissions.bench_watchers.viewers import Seen, parsed, summary, watch


class Socket:
    """Gives frames as a connection does."""

    def __init__(self, frames: list[str]) -> None:
        self.frames = iter(frames)

    def __aiter__(self) -> Socket:
        return self

    async def __anext__(self) -> str:
        try:
            return next(self.frames)
        except StopIteration:
            raise StopAsyncIteration from None


def frame(*numbers: int, over: bool = False) -> str:
    messages: list[dict[str, Any]] = [
        {"type": "line", "n": n, "stream": "out", "text": f"{time.monotonic_ns() - 5_000_000} step {n}"}
        for n in numbers
    ]
    return json.dumps([{"type": "status"}, *messages, *([{"type": "done", "verdict": "passed"}] if over else [])])


@pytest.mark.parametrize(
    ("frames", "received", "odd"),
    [
        ([(1, 2), (3,)], 3, 0),
        ([(1, 2), (2, 3)], 4, 1),
        ([(1,), (3,)], 2, 1),
        ([(2, 1)], 2, 2),
    ],
    ids=["each once", "one twice", "one missing", "out of order"],
)
async def test_it_counts_what_is_lost_or_doubled(frames: list[tuple[int, ...]], received: int, odd: int) -> None:
    seen = Seen()
    texts = [frame(*numbers, over=index == len(frames) - 1) for index, numbers in enumerate(frames)]
    await watch(Socket(texts), seen)  # type: ignore[arg-type]  # all that it uses of a connection
    found = summary(seen)
    assert (found["lines_received"], found["odd"], found["ended"]) == (received, odd, 1)
    assert 5 <= found["delay_ms"]["p50"] <= found["delay_ms"]["p99"] <= found["delay_ms"]["max"] < 5_000


def test_a_frame_is_parsed_once_for_all() -> None:
    text = frame(1, 2)
    parsed.cache_clear()
    assert parsed(text) is parsed(text)


def case(viewers: int, **changes: Any) -> dict[str, Any]:
    delay = {"p50": 30.0, "p95": 60.0, "p99": 90.0, "max": 120.0}
    return {
        "viewers": viewers, "lines": 100, "lines_received": 100 * viewers, "odd": 0, "frames": 20 * viewers,
        "delay_ms": delay, "stream_reads": 40, "web_cpu_share": 0.25, "memory_kib_per_viewer": 30.0, **changes,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "met"),
    [
        ({}, [True, True, True]),
        ({"delay_ms": {"p50": 1, "p95": 2, "p99": 501, "max": 600}}, [False, True, True]),
        ({"lines_received": 99_999}, [True, False, True]),
        ({"odd": 1}, [True, False, True]),
        ({"stream_reads": 40_000}, [True, True, False]),
    ],
    ids=["all well", "slow", "lost", "doubled", "a read for each"],
)
def test_its_goals_are_judged_from_its_own_figures(changes: dict[str, Any], met: list[bool]) -> None:
    assert [goal.met for goal in goals([case(1), case(1_000, **changes)])] == met


def test_the_table_has_a_line_for_each_case() -> None:
    document = {
        "date": "2026-11-23", "lines_per_s": 100, "seconds": 5, "versions": {"python": "3.11"},
        "machine": {"cpu": "x", "cores": 2, "memory_mib": 1, "system": "Linux", "accounting": "none", "uid": 0},
        "load_average_1m": {"before": 0.1, "after": 0.2}, "cases": [case(1), case(1_000)],
        "goals": [goal.as_json() for goal in goals([case(1), case(1_000)])],
    }  # fmt: skip
    lines = list(report.lines(document))
    assert [line.split()[0] for line in lines if line.startswith(("1 ", "1000 "))] == ["1", "1000"]
    assert any("KiB each" in line for line in lines)
