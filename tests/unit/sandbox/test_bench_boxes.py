"""What `bench box` does with real boxes, without the lab: the stack is a module of the standard library."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator

import pytest

from sandbox.bench import contenders, suite
from sandbox.bench.goals import COLD_BOX, COLD_PROCESS, PASS_GROUP, TRUE_GROUP, WARM_BOX
from sandbox.bench.timing import BenchError
from sandbox.bench.warmth import Stack, WarmStarter
from sandbox.bubblewrap import BubblewrapBackend
from sandbox.interpreter import running_interpreter_mounts
from sandbox.spec import MIB

pytestmark = pytest.mark.box
# No interpreter has it at its start; "none" so that no template is made.
STACK = Stack(warm="none", probe="wave", imports="import wave")


@pytest.fixture(scope="module")
def backend() -> Iterator[BubblewrapBackend]:
    backend = BubblewrapBackend.open()
    yield backend
    backend.close()


@pytest.fixture
def starter(backend) -> WarmStarter:
    return WarmStarter(backend=backend, python=sys.executable, mounts=running_interpreter_mounts(), stack=STACK)


def test_every_contender_that_is_there_is_timed_and_the_others_are_named(backend):
    box = contenders.box(contenders.OURS, backend, running_interpreter_mounts(), "ours")
    missing = contenders.Missing(name=contenders.OUR_DOCKER, why="no engine")
    groups = suite.time_exits(
        sys.executable, [contenders.bare(), box, missing], 2, random.Random(1), lambda _: None
    )  # fmt: skip
    assert [group.name for group in groups] == [TRUE_GROUP, PASS_GROUP]
    for group in groups:
        assert {name: len(found) for name, found in group.samples.items()} == {contenders.BARE: 2, contenders.OURS: 2}
        assert min(min(found) for found in group.samples.values()) > 0
        assert group.as_json()["missing"] == [{"name": contenders.OUR_DOCKER, "why": "no engine"}]


def test_a_program_that_fails_in_a_box_is_no_measurement(backend):
    box = contenders.box(contenders.OURS, backend, (), "ours")
    with pytest.raises(BenchError, match="exited with code 1"):
        box.to_exit(["/usr/bin/false"])


def test_first_lines_are_timed_cold_and_a_warm_box_that_cannot_be_had_is_named(starter):
    assert not starter.await_ready(0.1)
    group = suite.time_first_lines("first_line", starter, 2, random.Random(1), lambda _: None)
    assert set(group.samples) == {COLD_PROCESS, COLD_BOX}
    assert [one.name for one in group.missing] == [WARM_BOX]
    assert group.missing[0].why


def test_a_cold_start_never_counts_as_a_warm_one(starter, monkeypatch):
    monkeypatch.setattr("sandbox.bench.warmth._COLD_STARTS_IN_A_ROW", 2)
    with pytest.raises(BenchError, match="no warm box"):
        starter.warm_box()
    assert starter.cold_starts == 2


def test_a_box_is_weighed_with_all_of_its_processes_and_nobody_elses(starter):
    block = Stack(warm="none", probe="wave", imports="import wave; block = bytearray(b'x') * (48 << 20)")
    heavy = WarmStarter(backend=starter.backend, python=starter.python, mounts=starter.mounts, stack=block)
    light, full = suite.memory_of_box(starter, "none"), suite.memory_of_box(heavy, "none")
    # bubblewrap outside, its first process inside, the program.
    assert light.processes == full.processes == 3
    assert 48 * MIB <= full.weight.private_bytes < 96 * MIB
    assert light.weight.private_bytes < 48 * MIB
