"""Many boxes, one after another and all at once, with rude ends among them: what there was before is what there is."""

from __future__ import annotations

import os
import re
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox import BoxSpec, Outcome
from tests.attacks.worlds import Boxes, footprint

pytestmark = [pytest.mark.box, pytest.mark.timeout(600)]
IN_A_ROW = 200
AT_ONCE = 40
# Each ends in its own way: well, badly, by a signal, with a daemon left, with files left, at its time.
ENDS = (
    "print('well')",
    "raise SystemExit(3)",
    "import os; os.abort()",
    "import os, time; os.fork() or (os.setsid(), time.sleep(60))",
    "open('/tmp/a', 'wb').write(b'x' * 10**6); open('/dev/shm/b', 'wb').write(b'x' * 10**6)",
    "import os; [os.pipe() for _ in range(50)]; os.closerange(0, 4)",
)
EXPECTED = [("exited", 0, None), ("exited", 3, None), ("signalled", None, 6), *[("exited", 0, None)] * 3]
# A pool of connections to the engine, and what its ready containers hold.
MOST_SOCKETS = 60


def test_boxes_in_a_row_leave_nothing(world: Boxes):
    run(world, 0)
    folders = set(our_files())
    with world.leave_nothing(within_s=10):
        for number in range(IN_A_ROW):
            outcome = run(world, number)
            assert (outcome.status, outcome.exit_code, outcome.signal) == EXPECTED[number % len(ENDS)], outcome
    assert set(our_files()) <= folders
    assert footprint().descriptors - footprint(sockets=False).descriptors <= MOST_SOCKETS


def test_boxes_at_once_leave_nothing_and_do_not_mix(world: Boxes):
    """Twice, because the first round may grow a pool that the second finds."""
    at_once(world, AT_ONCE)
    with world.leave_nothing(within_s=10):
        assert at_once(world, AT_ONCE) == [f"{number}\n" for number in range(AT_ONCE)]


def test_a_box_in_the_middle_of_many_dies_alone(world: Boxes):
    with world.leave_nothing(within_s=10):
        boxes = [world.backend.prepare(BoxSpec(wall_s=60)) for _ in range(5)]
        started = [box.start(["/bin/cat"]) for box in boxes]
        boxes[2].kill()
        for process in started:
            process.stdin.close()
        ends = [process.wait().status for process in started]
        for process in started:
            process.close()
    assert ends == ["exited", "exited", "killed", "exited", "exited"]


def run(world: Boxes, number: int) -> Outcome:
    return world.code(ENDS[number % len(ENDS)], wall_s=20, memory_bytes=128 << 20, pids=40).outcome


def at_once(world: Boxes, count: int) -> list[str]:
    """What each of them printed: all run together, for none ends before all have begun."""
    gate = threading.Barrier(count, timeout=120)

    def one(number: int) -> str:
        process = world.start([world.python, "-c", "print(input())"], wall_s=150, memory_bytes=128 << 20, pids=40)
        try:
            gate.wait()
            process.stdin.write(f"{number}\n".encode())
            said = process.stdout.read()
            assert process.wait().status == "exited"
            return said.decode()
        finally:
            process.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def our_files() -> list[str]:
    """Files and folders where the host keeps what is temporary, that bear our process's number."""
    ours = re.compile(rf"(?<!\d){os.getpid()}(?!\d)")
    places = (Path(tempfile.gettempdir()), Path("/dev/shm"), Path("/run"))
    return [str(path) for place in places if place.is_dir() for path in place.iterdir() if ours.search(path.name)]
