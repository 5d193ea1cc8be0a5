"""`bench site`: the rows that it writes, the pages that it asks for, and what it makes of its measurements."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable

import pytest
from django.test import override_settings
from django.urls import clear_url_caches

from lessons.loader import load_course
from tests.unit.web.lessons import LESSON, SLUG
from webapp.catalog.services import catalog_sync
from webapp.config.bench_site import fill, load, pages, queries, report, suite
from webapp.submissions.bench_queue import people
from webapp.submissions.models import Run

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
def filled(db: None) -> dict[str, int]:
    catalog_sync()
    return fill.main(4, 60)


def test_it_writes_what_it_says(filled: dict[str, int]) -> None:
    assert (filled["User"], filled["Submission"], filled["Run"]) == (4, 60, 60)
    assert filled["SubmissionFile"] >= 60
    assert filled["Reading"] % 4 == filled["QuizAnswer"] % 4 == 0
    assert filled["Reading"] >= 4
    passed = Run.objects.filter(verdict="passed").first()
    assert passed is not None
    assert passed.report is not None
    assert passed.report["metrics"]
    assert Run.objects.filter(report__isnull=True).exists(), "some ended without a Report, as they do"


def test_it_counts_the_queries_of_every_page(filled: dict[str, int]) -> None:
    (session,) = people.main(1)
    with override_settings(ROOT_URLCONF="webapp.config.bench_site.urls"):
        clear_url_caches()
        found = queries.main(session)
    clear_url_caches()
    assert list(found) == list(pages.PAGES)
    assert found[pages.BARE] == 0
    assert all(found[name] > 1 for name in found if name != pages.BARE)  # a session and its user at least


def test_the_bare_view_is_no_page_of_the_site(client: object) -> None:
    assert client.get(pages.PAGES[pages.BARE]).status_code == 404  # type: ignore[attr-defined]


def test_its_pages_are_of_the_real_course() -> None:
    lesson, slug = pages.PAGES["exercise"].strip("/").split("/")[1:]
    assert load_course().exercise(lesson, slug) is not None
    assert (lesson, slug) != (LESSON, SLUG)


def taken(rate: float, *latencies: float) -> dict[str, object]:
    return {"rate": rate, "latencies_ms": list(latencies), "failures": 0, "generator_share": 0.1, "cpu_ms": 100 / rate}


def samples(rate: float, latency: float) -> dict[str, list[dict[str, object]]]:
    fast = [taken(300.0, 10.0), taken(150.0, 20.0), taken(300.0, 30.0)]
    return {name: fast if name == pages.BARE else [taken(rate, latency)] * 3 for name in pages.PAGES}


def test_a_share_is_of_the_bare_view_in_the_same_round() -> None:
    found = suite.pages(samples(100.0, 50.0), dict.fromkeys(pages.PAGES, 7))
    bare, home = found[0], found[1]
    assert (bare["name"], bare["share_of_bare"], bare["p50_ms"], bare["p99_ms"]) == (pages.BARE, 1.0, 20.0, 30.0)
    assert (home["rate"], home["share_of_bare"], home["queries"]) == (100.0, 0.333, 7)


def test_each_goal_is_met_or_not_by_its_own_figure() -> None:
    counts = dict.fromkeys(pages.PAGES, 7)
    good = suite.goals(suite.pages(samples(101.0, 99.0), counts))
    assert [goal.met for goal in good] == [True] * 8
    slow = suite.goals(suite.pages(samples(90.0, 101.0), counts))
    assert [goal.met for goal in slow] == [False] * 8


def test_a_person_reads_figures_and_goals() -> None:
    found = suite.pages(samples(100.0, 50.0), dict.fromkeys(pages.PAGES, 7))
    document = {
        "date": "2026-11-23T12:00:00+00:00",
        "machine": {"cpu": "x", "cores": 2, "memory_mib": 1, "system": "y", "accounting": "z", "uid": 0},
        "versions": {"python": "3.11"},
        "load_average_1m": {"before": 0.1, "after": 0.2},
        "rows": {"User": 1000}, "people": 50, "rounds": 3, "seconds": 1.0, "generator_share": 0.1,
        "pages": found, "goals": [goal.as_json() for goal in suite.goals(found)],
    }  # fmt: skip
    text = "\n".join(report.lines(json.loads(json.dumps(document))))
    assert "1,000 User" in text
    assert text.count("p99 of 50 people at once") == 4


async def test_the_load_asks_again_as_soon_as_it_has_its_page() -> None:
    asked = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        while head := await reader.readuntil(b"\r\n\r\n"):
            assert b"GET /page HTTP/1.1" in head
            assert b"cookie: sessionid=key" in head
            asked += 1
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npage")

    await measured_against(serve, failures=0)
    assert asked > 20


async def test_a_page_that_is_refused_is_no_answer() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n")

    await measured_against(serve, failures=3)


async def measured_against(serve: Serve, *, failures: int) -> None:
    done = [asyncio.Event() for _ in range(3)]
    left = list(done)

    async def until_gone(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ended = left.pop()
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await serve(reader, writer)
        writer.transport.abort()
        ended.set()

    async with await asyncio.start_server(until_gone, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        found = await load.main(port=port, path="/page", sessions=["key1", "key2", "key3"], seconds=0.2)
        await asyncio.gather(*(one.wait() for one in done))
    await asyncio.sleep(0)
    assert found["failures"] == failures
    assert bool(found["latencies_ms"]) is (failures == 0)


def test_rounds_replace_those_of_the_effort() -> None:
    assert suite.Effort.chosen(quick=True, rounds=2).rounds == 2
    whole = suite.Effort.chosen(quick=False, rounds=None)
    assert (whole.learners, whole.submissions) == (1_000, 100_000)
