"""Processes of the site are killed, or sleep for too long, while submissions flow."""

from __future__ import annotations

import signal
import time

import pytest

from tests.chaos.arena import LEASE_S, Arena, pool_of, signal_all
from tests.chaos.crowd import Crowd
from tests.chaos.watcher import Watcher

pytestmark = [pytest.mark.box, pytest.mark.slow, pytest.mark.timeout(600)]


def test_worker_killed_in_the_middle_of_a_run(arena: Arena, crowd: Crowd, many: int) -> None:
    with crowd.flowing(many) as flow:
        flow.await_promised(20)
        child = arena.caught()
        hit = arena.held_by(child.pid)
        watcher = Watcher(arena.owner(crowd, hit), hit)
        arena.kill("worker")
    rows = {row.id: row for row in arena.check(flow, [watcher])}
    assert rows[hit].tries == 2, "the run that it held was tried again"
    assert {row.verdict for row in rows.values()} == {"passed"}


def test_pool_process_killed_in_the_middle_of_a_run(arena: Arena, crowd: Crowd, many: int) -> None:
    with crowd.flowing(many) as flow:
        flow.await_promised(20)
        child = arena.caught()
        hit = arena.held_by(child.pid)
        watcher = Watcher(arena.owner(crowd, hit), hit)
        child.kill()
    rows = {row.id: row for row in arena.check(flow, [watcher])}
    assert rows[hit].tries == 2
    assert {row.verdict for row in rows.values()} == {"passed"}


def test_web_killed(arena: Arena, crowd: Crowd, many: int) -> None:
    with crowd.flowing(many) as flow:
        flow.await_promised(many // 2)
        last = flow.promised[-1]
        watcher = Watcher(arena.owner(crowd, last), last)
        arena.kill("web")
    assert {row.verdict for row in arena.check(flow, [watcher])} == {"passed"}
    assert flow.odd == []


def test_beat_killed(arena: Arena, crowd: Crowd, many: int) -> None:
    with crowd.flowing(many) as flow:
        flow.await_promised(many // 2)
        arena.kill("beat")
    assert {row.verdict for row in arena.check(flow)} == {"passed"}
    assert arena.part("beat").is_running()


def test_boxd_killed(arena: Arena, crowd: Crowd, many: int) -> None:
    with crowd.flowing(many) as flow:
        flow.await_promised(many // 2)
        watcher = Watcher(arena.owner(crowd, flow.promised[-1]), flow.promised[-1])
        arena.kill("boxd")
    rows = arena.check(flow, [watcher])
    assert {row.verdict for row in rows} == {"passed"}, "what was hit had tries left"


def test_worker_stopped_past_its_lease_and_continued(arena: Arena, crowd: Crowd, many: int) -> None:
    """Its run is taken over; when it wakes, what it has to say about that run is refused."""
    with crowd.flowing(many) as flow:
        flow.await_promised(20)
        child = arena.caught()
        hit = arena.held_by(child.pid)
        watcher = Watcher(arena.owner(crowd, hit), hit)
        asleep = [arena.part("worker"), *pool_of(arena.part("worker"))]
        signal_all(asleep, signal.SIGSTOP)
        time.sleep(LEASE_S + 5)
        taken_over = arena.held_by(child.pid) == ""
        signal_all(asleep, signal.SIGCONT)
    rows = {row.id: row for row in arena.check(flow, [watcher])}
    assert taken_over
    assert rows[hit].tries == 2
    assert {row.verdict for row in rows.values()} == {"passed"}
