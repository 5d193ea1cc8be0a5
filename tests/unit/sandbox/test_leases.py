"""The book of cores and GPUs: who gets what, in which order, and where boxes without named cores stay meanwhile."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox.affinity import confine
from sandbox.leases import CoreBook

SOON_S = 5.0


@pytest.fixture
def book() -> CoreBook:
    return CoreBook(range(4), gpus=(0, 1))


def test_a_lease_takes_the_highest_cores_and_gives_them_back(book):
    with book.lease(cores=2) as lease:
        assert lease.cores == (2, 3)
        assert book.shared() == {0, 1}
        assert book.leased == {2, 3}
    assert book.shared() == {0, 1, 2, 3}
    lease.release()  # again is fine
    assert book.lease(cores=1).cores == (3,)


def test_one_core_stays_for_shared_boxes_unless_all_are_asked_for(book):
    book.lease(cores=2)
    with pytest.raises(TimeoutError, match="2 cores came free within 0"):
        book.lease(cores=2, wait_s=0)
    assert book.lease(cores=1, wait_s=0).cores == (1,)
    with pytest.raises(TimeoutError):
        book.lease(cores=1, wait_s=0)
    assert book.shared() == {0}


def test_every_core_can_be_leased_when_no_shared_box_runs(book):
    place = book.place()
    with pytest.raises(TimeoutError):
        book.lease(cores=4, wait_s=0)
    place.leave()
    place.leave()  # again is fine
    with book.lease(cores=4, wait_s=0) as lease:
        assert lease.cores == (0, 1, 2, 3)
        with pytest.raises(TimeoutError, match="every core was leased"):
            book.place(wait_s=0)
        assert book.place((3,), wait_s=0).cpus == (3,)  # whoever names its cores is not held up
    assert book.place(wait_s=0).cpus == (0, 1, 2, 3)


def test_the_only_core_of_a_machine_can_be_leased():
    book = CoreBook([7])
    with book.lease(cores=1) as lease:
        assert lease.cores == (7,)
        with pytest.raises(TimeoutError):
            book.place(wait_s=0)
    assert book.place(wait_s=0).cpus == (7,)


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({"cores": 5}, "5 cores can never be had: there are 4"),
        ({"gpus": 3}, "3 GPUs can never be had: there are 2"),
        ({}, "at least one"),
        ({"cores": -1, "gpus": 2}, "at least one"),
    ],
)
def test_what_can_never_be_had_is_refused_at_once(book, wanted, why):
    with pytest.raises(ValueError, match=why):
        book.lease(**wanted)
    assert not book.leases()


def test_a_machine_without_gpus_says_so():
    with pytest.raises(ValueError, match="nvidia-smi lists none"):
        CoreBook([0]).lease(gpus=1)


def test_gpus_are_exclusive(book):
    first, second = book.lease(gpus=1), book.lease(gpus=1)
    assert {first.gpus, second.gpus} == {(0,), (1,)}
    with pytest.raises(TimeoutError):
        book.lease(gpus=1, wait_s=0)
    first.release()
    assert book.lease(gpus=1, wait_s=0).gpus == first.gpus


def test_a_waiting_lease_is_not_overtaken_by_a_smaller_one(book):
    held = book.lease(cores=2)
    big = book.ask(cores=3)
    small = book.ask(cores=1)  # would fit now
    assert not small.wait(0)
    held.release()
    assert big.wait(SOON_S)
    assert not small.wait(0)
    big.release()
    assert small.wait(SOON_S)


def test_whoever_wants_other_things_does_not_wait_behind(book):
    book.lease(gpus=2)
    assert not book.ask(gpus=1).wait(0)
    assert book.lease(cores=1, wait_s=0).cores == (3,)
    assert not book.ask(cores=1, gpus=1).wait(0)


def test_a_waiter_that_gives_up_lets_the_next_pass(book):
    held = book.lease(cores=2)
    big, small = book.ask(cores=3), book.ask(cores=1)
    big.release()
    assert small.wait(SOON_S)
    assert not big.wait(0)
    held.release()


def test_leases_are_served_in_order_across_threads(book):
    served: list[int] = []
    held = book.lease(cores=3)
    asked = [book.ask(cores=3) for _ in range(5)]

    def use(number: int) -> None:
        assert asked[number].wait(SOON_S)
        served.append(number)
        asked[number].release()

    with ThreadPoolExecutor(5) as pool:
        done = [pool.submit(use, number) for number in reversed(range(5))]
        held.release()
        for each in done:
            each.result(SOON_S)
    assert served == [0, 1, 2, 3, 4]


def test_the_book_is_open_to_read(book):
    book.lease(cores=3, owner="run 1")
    waiting = book.ask(cores=1, gpus=1, owner="run 2")
    held, queued = book.leases()
    assert (held.owner, held.cores, held.waiting) == ("run 1", (1, 2, 3), False)
    assert (queued.owner, queued.wanted_cores, queued.wanted_gpus, queued.waiting) == ("run 2", 1, 1, True)
    waiting.release()
    assert len(book.leases()) == 1


def test_places_follow_leases(book):
    moves: list[frozenset[int]] = []
    place = book.place()
    place.follow(moves.append)
    assert not moves  # it is where it belongs
    lease = book.lease(cores=2)
    lease.release()
    place.leave()
    book.lease(cores=1)
    assert moves == [{0, 1}, {0, 1, 2, 3}]


def test_a_place_taken_before_a_lease_moves_once_it_can(book):
    place = book.place()
    book.lease(cores=1)
    moves: list[frozenset[int]] = []
    place.follow(moves.append)
    place.follow(moves.append)
    assert moves == [{0, 1, 2}]


def test_named_cores_stay_where_they_are(book):
    moves: list[frozenset[int]] = []
    place = book.place((3,))
    place.follow(moves.append)
    assert book.lease(cores=1).cores == (3,)
    assert not moves
    place.leave()


def test_new_shared_boxes_stand_back_for_a_lease_of_every_core_but_not_for_ever(book):
    running = book.place()
    everything = book.ask(cores=4)
    with pytest.raises(TimeoutError):
        book.place(wait_s=0.05)
    second = book.place(stand_back_s=0.2)  # a run that has one shared box gets the next: no deadlock
    running.leave()
    assert not everything.wait(0)
    second.leave()
    assert everything.wait(SOON_S)


def test_a_place_comes_free_with_the_end_of_the_lease(book):
    lease = book.lease(cores=4)
    threading.Timer(0.1, lease.release).start()
    assert book.place(wait_s=SOON_S).cpus == (0, 1, 2, 3)


def test_work_that_can_wait_waits_while_something_is_measured(book):
    assert book.wait_unleased(0)
    lease = book.lease(cores=1)
    assert not book.wait_unleased(0)
    lease.release()
    assert book.wait_unleased(0)


# --- moving real threads ----------------------------------------------------------------------------------------------

BURN = """
import threading
def burn():
    while True: pass
for _ in range(2): threading.Thread(target=burn, daemon=True).start()
print("on", flush=True)
import time; time.sleep(60)
"""


def allowed(pid: int) -> set[str]:
    tasks = Path(f"/proc/{pid}/task").glob("*/status")
    lines = [line for task in tasks for line in task.read_text().splitlines() if line.startswith("Cpus_allowed_list")]
    return {line.split()[1] for line in lines}


def burner() -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", BURN], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"on\n"
    return process


def test_confine_moves_every_thread_and_forgives_the_dead():
    process = burner()
    try:
        confine(lambda: [process.pid, 2**22 - 1], {0})
        assert allowed(process.pid) == {"0"}
    finally:
        process.kill()
        process.communicate()


def test_confine_catches_up_with_processes_that_appear_meanwhile():
    first, late = burner(), burner()
    looks = iter([[first.pid], [first.pid, late.pid], [first.pid, late.pid]])
    try:
        confine(lambda: next(looks), {0})
        assert allowed(late.pid) == {"0"}
        assert not list(looks)  # the last look is one that finds nothing to move
    finally:
        for process in (first, late):
            process.kill()
            process.communicate()
