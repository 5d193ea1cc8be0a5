"""Containers made ahead: when one is made, who gets it, and what becomes of the rest."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from sandbox import BoxSpec, BoxStartError
from sandbox.docker import pool as pool_module
from sandbox.docker.pool import Pool
from sandbox.docker.wish import Wish, wish_for
from sandbox.leases import machine_book
from sandbox.plan import environment
from sandbox.warm.program import TemplateKey

PLAIN = wish_for(BoxSpec(), ["x"])
assert PLAIN is not None


class FakeContainer:
    def __init__(self) -> None:
        self.alive = True
        self.discarded = False

    def waits(self) -> bool:
        return self.alive

    def discard(self) -> None:
        self.discarded = True


class Maker:
    def __init__(self) -> None:
        self.made: list[tuple[Wish, FakeContainer]] = []
        self.fails = False

    def __call__(self, wish: Wish) -> FakeContainer:
        if self.fails:
            raise BoxStartError("no")
        self.made.append((wish, FakeContainer()))
        return self.made[-1][1]


@pytest.fixture
def maker() -> Maker:
    return Maker()


@pytest.fixture
def pool(maker) -> Iterator[Pool]:
    made = Pool(maker, 2)
    yield made
    made.close()


def wish(number: int) -> Wish:
    return replace(PLAIN, pids=number)


def warm_wish() -> Wish:
    key = TemplateKey(
        stack="torch", python="/p", safe_path=True, environment=tuple(environment(BoxSpec()).items()), mounts=()
    )
    return replace(PLAIN, standby=key)


def one_box(pool: Pool, wanted: Wish) -> FakeContainer | None:
    """A box from its start to its end."""
    taken = pool.take(wanted)
    pool.refill(wanted)
    return taken


def until(holds) -> bool:
    deadline = time.monotonic() + 5
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.005)
    return holds()


def test_one_box_is_no_reason_for_a_second_container(pool, maker):
    assert one_box(pool, PLAIN) is None
    time.sleep(0.1)
    assert maker.made == []


def test_from_the_second_box_on_one_waits(pool, maker):
    assert one_box(pool, PLAIN) is None
    assert one_box(pool, PLAIN) is None
    assert until(lambda: pool.stacks() == ["none"])
    assert pool.take(PLAIN) is maker.made[0][1]
    assert pool.take(PLAIN) is None


def test_a_stack_is_imported_ahead_from_the_first_box_on(pool):
    one_box(pool, warm_wish())
    assert until(lambda: pool.stacks() == ["torch"])


def test_nobody_gets_what_was_made_for_another_wish(pool):
    one_box(pool, warm_wish())
    assert until(lambda: pool.stacks() == ["torch"])
    assert pool.take(PLAIN) is None
    assert pool.take(replace(warm_wish(), memory_bytes=PLAIN.memory_bytes * 2)) is None


def test_a_dead_one_is_thrown_away(pool, maker):
    one_box(pool, warm_wish())
    assert until(lambda: pool.stacks() == ["torch"])
    maker.made[0][1].alive = False
    assert pool.take(warm_wish()) is None
    assert maker.made[0][1].discarded


def test_there_are_never_more_than_there_is_room_for(pool, maker):
    for number in (10, 11, 12):
        one_box(pool, wish(number))
        one_box(pool, wish(number))
        assert until(lambda: len(maker.made) == number - 9)  # noqa: B023  called before the next round
    assert until(lambda: maker.made[0][1].discarded)
    assert pool.take(wish(10)) is None
    assert pool.take(wish(12)) is maker.made[2][1]


def test_no_room_means_none(maker):
    pool = Pool(maker, 0)
    one_box(pool, warm_wish())
    time.sleep(0.05)
    pool.close()
    assert maker.made == []


def test_what_cannot_be_made_is_not_tried_again_soon(pool, maker, caplog, monkeypatch):
    maker.fails = True
    one_box(pool, warm_wish())
    assert until(lambda: "no container can be kept ready (stack torch): no" in caplog.text)
    maker.fails = False
    one_box(pool, warm_wish())
    time.sleep(0.1)
    assert maker.made == []
    monkeypatch.setattr(pool_module, "_RETRY_S", 0.01)
    one_box(pool, warm_wish())
    assert until(lambda: pool.stacks() == ["torch"])


def test_nothing_is_made_while_somebody_measures(pool, maker):
    lease = machine_book().lease(cores=1, wait_s=20)
    try:
        one_box(pool, warm_wish())
        time.sleep(0.3)
        assert maker.made == []
    finally:
        lease.release()
    assert until(lambda: len(maker.made) == 1)


def test_one_that_nobody_wanted_for_long_is_given_back(maker, monkeypatch):
    monkeypatch.setattr(pool_module, "_IDLE_S", 0.05)
    monkeypatch.setattr(pool_module, "_LOOK_S", 0.02)
    pool = Pool(maker, 2)
    one_box(pool, warm_wish())
    assert until(lambda: bool(maker.made) and maker.made[0][1].discarded)
    pool.close()


def test_close_discards_all_and_ends_the_thread(maker):
    pool = Pool(maker, 2)
    one_box(pool, warm_wish())
    assert until(lambda: pool.stacks() == ["torch"])
    pool.close()
    pool.close()
    assert maker.made[0][1].discarded
    assert not pool._thread.is_alive()
    one_box(pool, warm_wish())
    assert len(maker.made) == 1
