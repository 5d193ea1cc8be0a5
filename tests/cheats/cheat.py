"""A cheat: a submission that goes for a pass without the work, and what it declares must happen to it."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from grader import Report
from grader.verification import wrong_surprise
from lessons.loader import Exercise, load_course
from lessons.schema import Expectation, Tier

HERE = Path(__file__).parent
FOLDER = HERE / "programs"
World = Literal["bubblewrap", "docker"]
WORLDS: tuple[World, ...] = get_args(World)
# Those that go for our guest, the box it shares with them, or the way it ends: a warm box makes all three otherwise.
_WARM_GROUPS = {"channel", "exits", "isolation"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cheat:
    """`caught_by`: the metric or check that failed, or the verdict again where the program did not get that far.

    `says`: a regular expression to be found in the message or a failed check's words. `log`: one in the live log, as
    evidence that the attempt was made.
    """

    name: str
    text: str
    why: str
    exercise: str
    verdict: str
    caught_by: str
    tier: Tier = "smoke"
    says: str | None = None
    log: str | None = None

    @property
    def is_warm_as_well(self) -> bool:
        """It is tried in warm boxes, too."""
        return self.name.split("/")[0] in _WARM_GROUPS

    def files(self, exercise: Exercise) -> Mapping[str, bytes]:
        """The submission: the cheat is its one editable file."""
        (name,) = exercise.manifest.files.editable
        return {name: self.text.encode()}

    def check(self, report: Report) -> None:
        """Raises AssertionError with the whole report unless it was caught as declared."""
        expect = Expectation(verdict=self.verdict, caught_by=self.caught_by, tier=self.tier, why=self.why, kind="cheat")
        told = "\n".join([report.message, *(check.feedback for check in report.checks if not check.passed)])
        problems = [
            wrong_surprise(expect, report),
            "" if self.says is None or re.search(self.says, told) else f"nobody said {self.says!r}",
            "" if self.log is None or re.search(self.log, "\n".join(report.log_tail)) else f"no log of {self.log!r}",
            "" if report.score < 1.0 else "it got the whole score",
        ]
        assert not any(problems), f"{'; '.join(filter(None, problems))}\n{report.to_json()}"


def exercises() -> dict[str, Exercise]:
    """Those that are cheated at, by slug. Raises ValueError for one that `lessons check` would refuse."""
    course = load_course([HERE / "lessons"])
    if course.errors:
        raise ValueError("; ".join(map(str, course.errors)))
    return {exercise.slug: exercise for lesson in course.lessons for exercise in lesson.exercises}


def load(path: Path, known: Mapping[str, Exercise]) -> Cheat:
    """Read one. Raises ValueError with its path for one that declares too little, too much or the impossible."""
    text = path.read_text()
    try:
        why, said = _declared(text) if path.suffix == ".py" else _commented(text)
        cheat = Cheat(name=f"{path.parent.name}/{path.stem}", text=text, why=why, **_checked(said))
        _require_possible(cheat, known)
    except (ValueError, SyntaxError) as error:
        raise ValueError(f"{path}: {error}") from error
    return cheat


def load_all(known: Mapping[str, Exercise]) -> list[Cheat]:
    return [load(path, known) for path in sorted(FOLDER.glob("*/*.*")) if path.suffix in {".py", ".yaml"}]


def _declared(text: str) -> tuple[str, dict[str, Any]]:
    """A Python file's docstring and its CHEAT."""
    tree = ast.parse(text)
    values = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "CHEAT"
    ]
    why = ast.get_docstring(tree)
    if not why or len(values) != 1:
        raise ValueError("say in a docstring what it tries, and declare one CHEAT = {…}")
    return why, ast.literal_eval(values[0])


def _commented(text: str) -> tuple[str, dict[str, Any]]:
    """Another file's first two lines: what it tries, and its CHEAT."""
    why, declared = (line.removeprefix("# ") for line in text.split("\n", 2)[:2])
    if not declared.startswith("CHEAT = "):
        raise ValueError("the first line says what it tries, the second is # CHEAT = {…}")
    return why, ast.literal_eval(declared.removeprefix("CHEAT = "))


def _checked(said: dict[str, Any]) -> dict[str, Any]:
    allowed = {field.name for field in fields(Cheat)} - {"name", "text", "why"}
    missing = {"exercise", "verdict", "caught_by"} - set(said)
    if missing or not set(said) <= allowed:
        raise ValueError(f"missing {sorted(missing)}, unknown {sorted(set(said) - allowed)}")
    return said


def _require_possible(cheat: Cheat, known: Mapping[str, Exercise]) -> None:
    if cheat.exercise not in known:
        raise ValueError(f"no exercise {cheat.exercise!r}: there are {sorted(known)}")
    manifest = known[cheat.exercise].manifest
    names = {metric.name for metric in manifest.metric} | {check.name for check in manifest.check}
    if cheat.caught_by not in names | {cheat.verdict}:
        raise ValueError(f"nothing is named {cheat.caught_by!r}: there are {sorted(names)}")
    if cheat.caught_by == cheat.verdict and cheat.says is None:
        raise ValueError("a verdict alone may have many causes: give says")
    if cheat.tier not in manifest.tiers:
        raise ValueError(f"the exercise has no tier {cheat.tier!r}")
