"""Valkey, the database, the disk and the clock misbehave while submissions flow."""

from __future__ import annotations

import shutil
import time

import pytest

from tests.chaos.arena import Arena
from tests.chaos.crowd import Crowd
from tests.chaos.watcher import Watcher

pytestmark = [pytest.mark.box, pytest.mark.slow, pytest.mark.timeout(600)]


def test_valkey_killed(arena: Arena, crowd: Crowd, many: int) -> None:
    with crowd.flowing(many) as flow:
        flow.await_promised(many // 2)
        watcher = Watcher(arena.owner(crowd, flow.promised[-1]), flow.promised[-1])
        arena.kill("valkey")
    assert {row.verdict for row in arena.check(flow, [watcher])} == {"passed"}
    assert flow.odd == [], "the page takes submissions without Valkey"


def test_valkey_killed_and_all_its_data_lost(arena: Arena, crowd: Crowd, many: int) -> None:
    with crowd.flowing(many) as flow:
        flow.await_promised(many // 2)
        watcher = Watcher(arena.owner(crowd, flow.promised[-1]), flow.promised[-1])
        part = arena.part("valkey")
        part.suspend()
        shutil.rmtree(arena.state / "valkey")
        (arena.state / "valkey").mkdir()
        arena.kill("valkey")
    assert {row.verdict for row in arena.check(flow, [watcher])} == {"passed"}
    assert flow.odd == []


def test_every_message_delivered_twice_and_old_ones_again(arena: Arena, crowd: Crowd, many: int) -> None:
    """What waits in the broker's list is sent a second time, and some of it again and again."""
    seen: set[bytes] = set()
    with crowd.flowing(many) as flow, arena.broker() as broker:
        while len(flow.promised) < many:
            new = set(broker.lrange("smoke", 0, -1)) - seen
            seen |= new
            if again := [*new, *list(seen)[:3]]:
                broker.lpush("smoke", *again)
            time.sleep(0.2)
    rows = arena.check(flow)
    assert seen, "no message was ever seen waiting"
    assert {row.verdict for row in rows} == {"passed"}
    assert {row.tries for row in rows} == {1}, "a second delivery finds nothing to claim"


@pytest.mark.parametrize("hours", [1, -1], ids=["forward", "backward"])
def test_clock_jump(arena: Arena, crowd: Crowd, many: int, hours: int) -> None:
    """The stored times are moved, which to the site is the same as all clocks jumping the other way.

    Forward, a living worker's lease is over at once; backward, a dead worker's would last an hour more.
    """
    with crowd.flowing(many) as flow:
        flow.await_promised(many // 2)
        child = arena.caught()
        hit = arena.held_by(child.pid)
        watcher = Watcher(arena.owner(crowd, hit), hit)
        arena.shift_clock(hours * 3600)
        child.resume()
        if hours < 0:
            child.kill()
    assert {row.verdict for row in arena.check(flow, [watcher])} == {"passed"}


def test_database_locked_for_ten_seconds(arena: Arena, crowd: Crowd, many: int) -> None:
    with crowd.flowing(many) as flow:
        flow.await_promised(many // 2)
        watcher = Watcher(arena.owner(crowd, flow.promised[-1]), flow.promised[-1])
        with arena.locked_database():
            time.sleep(10)
    assert {row.verdict for row in arena.check(flow, [watcher])} == {"passed"}
    assert flow.odd == [], "requests wait for the database, and are answered"


def test_scratch_disk_full(arena: Arena, crowd: Crowd, many: int) -> None:
    if not arena.mounted:
        pytest.skip("no small disk can be mounted here: it takes root")
    with crowd.flowing(many) as flow:
        flow.await_promised(many // 2)
        with arena.full_scratch():
            time.sleep(6)
    rows = arena.check(flow)
    assert {row.verdict for row in rows} == {"passed"}, "runs waited until there was room again"
