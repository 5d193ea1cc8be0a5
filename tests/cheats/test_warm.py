"""Cheats in boxes that are copied from a warm template: they find no more there, and are caught as in cold ones."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping

import pytest

from grader import Report, grade
from lessons.loader import Exercise
from lessons.schema import Tier
from sandbox.boxd.client import boxd_status
from tests.cheats.cheat import Cheat, exercises, load_all

pytestmark = [pytest.mark.box, pytest.mark.lab]
STACK = "science"
EXERCISES = {
    slug: dataclasses.replace(exercise, manifest=exercise.manifest.model_copy(update={"warm": STACK}))
    for slug, exercise in exercises().items()
}
CHEATS = [cheat for cheat in load_all(EXERCISES) if cheat.is_warm_as_well]
CONTROLS = sorted({(cheat.exercise, cheat.tier) for cheat in CHEATS})
_TEMPLATE_S = 120.0


class WarmBoxd:
    """Makes warm boxes, and tells how many it has made."""

    def __init__(self, path: str) -> None:
        self._path = path

    def made(self) -> int:
        templates = boxd_status(self._path)["warm"]["bubblewrap"]["templates"]
        return sum(template["boxes"] for template in templates if template["stack"] == STACK)

    def grade(self, exercise: Exercise, files: Mapping[str, bytes], tier: Tier) -> Report:
        """A run whose boxes were warm: until a template is there, and while one is renewed, they are cold."""
        deadline = time.monotonic() + _TEMPLATE_S
        while time.monotonic() < deadline:
            before = self.made()
            report = grade(exercise, files, tier=tier)
            if self.made() > before:
                return report
            time.sleep(0.5)
        raise AssertionError(f"no box was warm: {boxd_status(self._path)['warm']}")


@pytest.fixture
def warm(boxds, monkeypatch) -> WarmBoxd:
    path = boxds.path("bubblewrap")
    monkeypatch.setenv("RANKZERO_BOXD", path)
    if "bubblewrap" not in boxd_status(path)["warm"]:
        grade(EXERCISES["rows"], {"main.py": b""}, tier="smoke")  # boxd opens a backend with its first box
    return WarmBoxd(path)


@pytest.mark.parametrize("cheat", CHEATS, ids=[cheat.name for cheat in CHEATS])
def test_cheat_in_a_warm_box(warm: WarmBoxd, cheat: Cheat):
    exercise = EXERCISES[cheat.exercise]
    cheat.check(warm.grade(exercise, cheat.files(exercise), cheat.tier))


@pytest.mark.parametrize(("slug", "tier"), CONTROLS)
def test_control_in_a_warm_box(warm: WarmBoxd, slug: str, tier: Tier):
    honest = {name: text.encode() for name, text in EXERCISES[slug].solution.items()}
    assert warm.grade(EXERCISES[slug], honest, tier).verdict == "passed"
