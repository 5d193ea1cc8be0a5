"""Every program in programs/, in every world: the attack gets what it must get, its honest twin works."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.attacks.program import Program, Said, load_all
from tests.attacks.targets import raised
from tests.attacks.worlds import Boxes

pytestmark = pytest.mark.box
PROGRAMS = load_all()
CASES = [pytest.param(world, program, id=f"{world}-{program.name}") for program in PROGRAMS for world in program.worlds]


@pytest.mark.parametrize(("world", "program"), CASES, indirect=["world"])
def test_attack(world: Boxes, program: Program):
    with world.leave_nothing():
        said = attacked(world, program)
    program.expected("attack", world.world).check(said)


@pytest.mark.parametrize(("world", "program"), CASES, indirect=["world"])
def test_control(world: Boxes, program: Program):
    program.expected("control", world.world).check(world.run_program(program, "control"))


def attacked(world: Boxes, program: Program) -> Said:
    with ExitStack() as stack:
        arguments = stack.enter_context(raised(program.targets))
        if "before" in program.roles:
            earlier = world.run_program(program, "before")
            assert earlier.outcome.exit_code == 0, earlier
        if "beside" in program.roles:
            stack.enter_context(neighbour(world, program))
        return world.run_program(program, "attack", arguments)


class neighbour:  # noqa: N801  used as a context manager, as a function would be
    """Another box, running meanwhile; afterwards it must be unharmed."""

    def __init__(self, world: Boxes, program: Program) -> None:
        self._process = world.start_program(program, "beside")

    def __enter__(self) -> None:
        assert self._process.stdout.read(6) == b"ready\n", self._process.stderr.read()

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        outcome = self._process.wait()
        self._process.close()
        assert outcome.exit_code == 0, f"the neighbour was harmed: {outcome}"


def test_there_are_enough_of_them():
    groups: dict[str, int] = {}
    for program in load_all():
        group = program.name.split("/")[0]
        groups[group] = groups.get(group, 0) + 1
    assert sum(groups.values()) >= 120, groups
    assert min(groups.values()) >= 5, groups
