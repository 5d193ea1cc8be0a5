"""Every cheat in programs/ is caught in each world as it declares; the honest program passes the same judge there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pytest

from grader import Report, grade
from lessons.schema import Tier
from tests.cheats.cheat import WORLDS, Cheat, World, exercises, load, load_all

pytestmark = [pytest.mark.box, pytest.mark.lab]
EXERCISES = exercises()
CHEATS = load_all(EXERCISES)
CASES = [pytest.param(world, cheat, id=f"{world}-{cheat.name}") for cheat in CHEATS for world in WORLDS]
CONTROLS = sorted({(world, cheat.exercise, cheat.tier) for cheat in CHEATS for world in WORLDS})
_TRIES = 4


@pytest.mark.parametrize(("world", "cheat"), CASES, indirect=["world"])
def test_cheat(world: World, cheat: Cheat, caplog):
    exercise = EXERCISES[cheat.exercise]
    cheat.check(graded(world, cheat.exercise, cheat.files(exercise), cheat.tier, caplog))


@pytest.mark.parametrize(
    ("world", "slug", "tier"), CONTROLS, ids=["-".join(control) for control in CONTROLS], indirect=["world"]
)
def test_control(world: World, slug: str, tier: Tier, caplog):
    honest = {name: text.encode() for name, text in EXERCISES[slug].solution.items()}
    report = graded(world, slug, honest, tier, caplog)
    assert (report.verdict, report.score) == ("passed", 1.0), report.to_json()


def graded(world: World, slug: str, files: Mapping[str, bytes], tier: Tier, caplog) -> Report:
    """One run; a machine too busy to measure is asked again, as the platform does. Of ours nothing else may break."""
    for _ in range(_TRIES):
        caplog.clear()
        report = grade(EXERCISES[slug], files, tier=tier, backend=world)
        if report.verdict != "infra_error" or "against itself" not in caplog.text:
            break
    assert report.verdict != "infra_error", caplog.text
    return report


def test_there_are_enough_of_them():
    groups = Counter(cheat.name.split("/")[0] for cheat in CHEATS)
    assert sum(groups.values()) >= 100, groups
    assert min(groups.values()) >= 3, groups
    assert {cheat.exercise for cheat in CHEATS} == set(EXERCISES)


PLAIN = '"""Why."""\nCHEAT = {"exercise": "rows", "verdict": "failed", "caught_by": "right_share"}\n'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (PLAIN.replace('"""Why."""', ""), "docstring"),
        (PLAIN.replace("rows", "columns"), "no exercise"),
        (PLAIN.replace("right_share", "speed"), "nothing is named"),
        (PLAIN.replace("right_share", "failed"), "give says"),
        (PLAIN.replace('"caught_by"', '"cought_by"'), "missing"),
        (PLAIN.replace('"}', '", "tier": "gpu"}'), "no tier"),
    ],
)
def test_it_refuses_a_declaration(text, problem, tmp_path):
    (tmp_path / "cheat.py").write_text(PLAIN)
    assert load(tmp_path / "cheat.py", EXERCISES).caught_by == "right_share"
    (tmp_path / "cheat.py").write_text(text)
    with pytest.raises(ValueError, match=problem):
        load(tmp_path / "cheat.py", EXERCISES)
