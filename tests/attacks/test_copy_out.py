"""What a learner's program leaves to be handed over, through the guest and the exchange that the grader uses."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from grader.boxes import box_spec
from grader.context import RunContext
from grader.errors import CandidateError
from grader.training import run_training
from lessons.schema import Limits
from sandbox import Backend, Box, BoxSpec, Pod
from tests.attacks.program import FOLDER, read_header
from tests.attacks.worlds import KIT, Boxes, require_lab
from tests.fixtures.exercises import fixture_exercise

pytestmark = [pytest.mark.box, pytest.mark.lab]
_CAP = 1 << 20
_MAIN = b"import sys\nimport program\ngetattr(program, sys.argv[1])()\n"
_HEADERS = {"OUTPUT", "ATTACK", "CONTROL"}
_LIMITS = Limits(memory_mb=512, wall_s=5, disk_mb=64)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """What must come of it: one of `refused` (the errors' names, `because` found in the text), `holds` and `size`.

    `at_most`: it may be handed over all the same, with no more bytes than that. `lacks`: what it never holds.
    """

    refused: str | None = None
    because: str = ""
    holds: str | None = None
    size: int | None = None
    at_most: int | None = None
    lacks: str | None = None
    wall_s: float = 8.0

    def __post_init__(self) -> None:
        if (self.refused, self.holds, self.size) == (None, None, None):
            raise ValueError("expects nothing: give refused, holds or size")

    def check_refusal(self, error: CandidateError) -> None:
        assert self.refused is not None, f"refused: {error!r}"
        assert re.fullmatch(self.refused, type(error).__name__), repr(error)
        assert re.search(self.because, str(error)), repr(error)

    def check_data(self, data: bytes) -> None:
        assert self.refused is None or self.at_most is not None, f"{len(data)} bytes came out: {data[:100]!r}"
        assert self.holds is None or data == self.holds.encode()
        assert self.size is None or len(data) == self.size
        assert self.at_most is None or len(data) <= self.at_most
        assert self.lacks is None or self.lacks.encode() not in data


@dataclass(frozen=True, slots=True, kw_only=True)
class Warmed:
    """The world's backend; boxes are as warm as the world is."""

    boxes: Boxes

    def prepare(self, spec: BoxSpec, *, pod: Pod | None = None) -> Box:
        return self.backend.prepare(dataclasses.replace(spec, warm=self.boxes.warm), pod=pod)

    @property
    def backend(self) -> Backend:
        return self.boxes.backend


def headers() -> list[Any]:
    found = []
    for path in sorted((FOLDER / "copy_out").glob("*.py")):
        header = read_header(path, _HEADERS)
        expected = {role: HandedOver(**header[role.upper()]) for role in ("attack", "control")}
        found.append(pytest.param(path.read_bytes(), header.get("OUTPUT", "model.bin"), expected, id=path.stem))
    return found


@pytest.mark.parametrize("role", ["attack", "control"])
@pytest.mark.parametrize(("text", "output", "expected"), headers())
def test_copy_out(world: Boxes, text: bytes, output: str, expected: Mapping[str, HandedOver], role: str):
    context = context_of(world, text)
    spec = dataclasses.replace(box_spec(_LIMITS, context.files, {}), warm=world.warm)
    argv = [str(require_lab()), "-P", "-m", "sandbox.guest.train"]
    with world.leave_nothing(spec=spec, argv=argv):
        began = time.monotonic()
        try:
            training = run_training(context, lambda _usage: None, [role], {}, {output: _CAP}, (), 1)
        except CandidateError as error:
            expected[role].check_refusal(error)
        else:
            expected[role].check_data(training.artefacts[output])
        assert time.monotonic() - began < expected[role].wall_s + 4


def context_of(world: Boxes, text: bytes) -> RunContext:
    """A run of the exercise `writer` by that program."""
    exercise = fixture_exercise("writer")
    return RunContext(
        exercise="fixtures/writer",
        folder=exercise.folder,
        manifest=exercise.manifest,
        tier="smoke",
        limits=_LIMITS,
        files={"main.py": _MAIN, "program.py": text, "kit.py": KIT},
        assets={},
        backend=Warmed(boxes=world),  # type: ignore[arg-type]
        emit=lambda _event: None,
    )
