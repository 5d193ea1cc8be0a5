"""What the content files may say: `exercise.toml`, `expect.toml`, `course.toml` and the front matter of `lesson.md`.

Every model refuses unknown keys. Validation reports all errors of a file at once; `lessons.loader` adds the path.
"""

from __future__ import annotations

import re
import uuid
from itertools import pairwise, product
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

Tier = Literal["smoke", "cpu", "gpu"]
Protocol = Literal["call", "train", "serve", "artifact"]
Direction = Literal["lower", "higher"]
Stack = Literal["none", "science", "torch", "transformers"]
Level = Literal["beginner", "intermediate", "advanced"]
Verdict = Literal[
    "passed",
    "failed",
    "timed_out",
    "out_of_memory",
    "crashed",
    "rejected",
    "under_review",
    "cancelled",
    "infra_error",
]
# Who says so: read outside the learner's process; computed by the judge from an artefact; counted inside that process
# (it can be forged); the program's own word.
Provenance = Literal["observed", "recomputed", "instrumented", "reported"]
TRUSTED: frozenset[str] = frozenset({"observed", "recomputed"})
VERDICTS: tuple[str, ...] = get_args(Verdict)
SECTIONS = (
    "Learning Objectives",
    "Prerequisites",
    "Theory & Concepts",
    "Hands-on Implementation",
    "Advanced Techniques",
    "Exercises & Challenges",
    "Best Practices",
    "Next Steps",
)

_FILE_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
Text = Annotated[str, Field(min_length=1, max_length=4000)]
Thresholds = dict[Tier, float]


def is_safe_path(name: str) -> bool:
    """A relative POSIX path of plain ASCII parts: no `..`, no hidden file, no odd Unicode, at most 200 characters."""
    return len(name) <= 200 and all(_FILE_PART.fullmatch(part) for part in name.split("/"))


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True)


class Files(Strict):
    """Paths below `starter/`. A submission brings exactly the editable ones; the read-only ones are always ours."""

    editable: list[str] = Field(min_length=1, max_length=20)
    readonly: list[str] = Field(default=[], max_length=50)

    @model_validator(mode="after")
    def names_are_plain_and_unique(self) -> Files:
        names = [*self.editable, *self.readonly]
        for name in names:
            if not is_safe_path(name):
                raise ValueError(f"{name!r} is not a plain relative path (letters, digits, '_', '-', '.', '/')")
        if len(set(names)) != len(names):
            raise ValueError("a file is named twice")
        return self


class Limits(Strict):
    """Of one box, unless the name starts with `judge_`; `file_kb` and `files` are caps on what is submitted."""

    memory_mb: int = Field(default=512, ge=16, le=262_144)
    wall_s: float = Field(default=30, gt=0, le=86_400)
    cpu_s: float | None = Field(default=None, gt=0, le=86_400)
    pids: int = Field(default=64, ge=1, le=4096)
    disk_mb: int = Field(default=64, ge=1, le=65_536)
    output_kb: int = Field(default=256, ge=1, le=16_384)
    file_kb: int = Field(default=128, ge=1, le=1024)
    files: int = Field(default=20, ge=1, le=100)
    vram_mb: int | None = Field(default=None, ge=64, le=1_048_576)  # of one box on its GPU; None: all that it has
    judge_wall_s: float | None = Field(default=None, gt=0, le=86_400)
    judge_memory_mb: int = Field(default=4096, ge=64, le=262_144)

    @property
    def judge_seconds(self) -> float:
        """Wall seconds for a whole run, judge and boxes; by default room for three boxes one after another."""
        return self.judge_wall_s if self.judge_wall_s is not None else 60 + 3 * self.wall_s


class LimitOverrides(Strict):
    """The limits that a tier sets differently; what is absent holds as `[limits]` says."""

    memory_mb: int | None = Field(default=None, ge=16, le=262_144)
    wall_s: float | None = Field(default=None, gt=0, le=86_400)
    cpu_s: float | None = Field(default=None, gt=0, le=86_400)
    pids: int | None = Field(default=None, ge=1, le=4096)
    disk_mb: int | None = Field(default=None, ge=1, le=65_536)
    output_kb: int | None = Field(default=None, ge=1, le=16_384)
    vram_mb: int | None = Field(default=None, ge=64, le=1_048_576)
    judge_wall_s: float | None = Field(default=None, gt=0, le=86_400)
    judge_memory_mb: int | None = Field(default=None, ge=64, le=262_144)


class TierSpec(Strict):
    """How big a run of this tier is; `seconds` is what a learner should expect to wait."""

    seconds: float = Field(gt=0)
    sizes: dict[Name, int | float] = {}
    limits: LimitOverrides = LimitOverrides()


class MetricSpec(Strict):
    """A measured number. A tier without a `pass` threshold shows it and does not grade it.

    `provenance` is declared for what is counted inside the learner's process ("instrumented": graded only beside a
    trusted metric) or told by it ("reported": never graded). Undeclared, it must be observed or recomputed.
    """

    name: Name
    unit: str = Field(max_length=40)
    direction: Direction
    means: Text
    weight: float = Field(default=1.0, gt=0, le=100)
    passing: Thresholds = Field(default={}, alias="pass")
    distinction: Thresholds = {}
    ceiling: Thresholds = {}  # the physical limit: better than this is too good to be true, under_review
    provenance: Provenance | None = None

    @property
    def is_trusted(self) -> bool:
        return self.provenance is None or self.provenance in TRUSTED

    @property
    def bounds(self) -> dict[str, Thresholds]:
        """From the lowest bar to the highest, by their names in the file."""
        return {"pass": self.passing, "distinction": self.distinction, "ceiling": self.ceiling}


class CheckSpec(Strict):
    """A named yes or no. Without a passed `gate` nothing passes; the others are feedback."""

    name: Name
    means: Text
    gate: bool = True


class Hint(Strict):
    """Shown when the check or metric `when` failed, or when `when` is the verdict.

    Conditions narrow it to values of the metric `when`: `above` and `below` (exclusive), or `equals`, give or take
    `within`. Of a metric's hints with conditions only the first that fits is shown. `{value}` in its text is the value.
    """

    when: Name
    text: Text
    above: float | None = None
    below: float | None = None
    equals: float | None = None
    within: float = Field(default=0.0, ge=0)

    @property
    def is_conditional(self) -> bool:
        return any(bound is not None for bound in (self.above, self.below, self.equals))

    def fits(self, value: float) -> bool:
        """Whether the value meets all conditions."""
        return (
            (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
            and (self.equals is None or abs(value - self.equals) <= self.within)
        )

    @model_validator(mode="after")
    def conditions_can_hold(self) -> Hint:
        if self.equals is not None and not (self.above is None and self.below is None):
            raise ValueError("equals stands alone, without above or below")
        if self.equals is None and self.within:
            raise ValueError("within belongs to equals")
        if self.above is not None and self.below is not None and self.above >= self.below:
            raise ValueError(f"no value is above {self.above:g} and below {self.below:g}")
        return self


class Manifest(Strict):
    """`exercise.toml`."""

    schema_version: Literal[1] = Field(alias="schema")
    id: uuid.UUID  # permanent: survives renames
    title: str = Field(min_length=1, max_length=120)
    summary: str = Field(min_length=1, max_length=400)
    minutes: int = Field(ge=1, le=600)
    difficulty: int = Field(ge=1, le=5)
    points: int = Field(ge=1, le=1000)
    protocol: Protocol
    entry: str
    files: Files
    assets: list[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]] = []
    timed: bool = False  # its metrics rest on a clock: a run above smoke gets a core for itself
    confirm: bool = False  # a pass is made again on another seed, as it always is where there is a distinction
    warm: Stack = "none"  # what a box may have imported already when the learner's program starts
    limits: Limits = Limits()
    tiers: dict[Tier, TierSpec] = Field(min_length=1)
    metric: list[MetricSpec] = []
    check: list[CheckSpec] = []
    hint: list[Hint] = []

    @model_validator(mode="after")
    def parts_fit_together(self) -> Manifest:
        problems = [
            *self._name_problems(),
            *self._tier_problems(),
            *self._threshold_problems(),
            *self._provenance_problems(),
            *self._hint_problems(),
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def limits_for(self, tier: Tier) -> Limits:
        """`[limits]` with what the tier overrides."""
        overrides = self.tiers[tier].limits.model_dump(exclude_none=True)
        return self.limits.model_copy(update=overrides)

    def confirms(self, tier: Tier) -> bool:
        """Whether a pass at this tier is followed by a second run with a fresh seed."""
        return tier != "smoke" and (self.confirm or any(tier in metric.distinction for metric in self.metric))

    def _name_problems(self) -> list[str]:
        names = [metric.name for metric in self.metric] + [check.name for check in self.check]
        problems = [
            f"metric or check {name!r} is declared twice" for name in sorted(set(names)) if names.count(name) > 1
        ]
        problems += [f"{name!r} is a verdict, not a name for a metric or check" for name in names if name in VERDICTS]
        if not names:
            problems.append("an exercise needs at least one [[metric]] or [[check]]")
        if self.entry not in (*self.files.editable, *self.files.readonly):
            problems.append(f"entry {self.entry!r} is in neither files.editable nor files.readonly")
        return problems

    def _tier_problems(self) -> list[str]:
        problems = [
            f"metric {metric.name!r}: {field} names tier {tier!r}, which has no [tiers.{tier}]"
            for metric in self.metric
            for field, values in metric.bounds.items()
            for tier in values
            if tier not in self.tiers
        ]
        if not any(check.gate for check in self.check):
            problems += [
                f"tier {tier!r} grades nothing: give a metric a pass threshold, or a check gate = true"
                for tier in self.tiers
                if not any(tier in metric.passing for metric in self.metric)
            ]
        return problems

    def _threshold_problems(self) -> list[str]:
        """A distinction asks at least what a pass does, and a ceiling leaves room for both."""
        problems = []
        for metric, tier in product(self.metric, self.tiers):
            sign = -1 if metric.direction == "lower" else 1
            bars = [(field, values[tier]) for field, values in metric.bounds.items() if tier in values]
            problems += [
                f"metric {metric.name!r}, tier {tier!r}: {field} {bar:g} asks less than {lower} {other:g}"
                for (lower, other), (field, bar) in pairwise(bars)
                if sign * bar < sign * other
            ]
        return problems

    def _provenance_problems(self) -> list[str]:
        problems = [
            f"metric {metric.name!r} is the program's own word (reported): it can be shown, but have no {field}"
            for metric in self.metric
            for field, values in metric.bounds.items()
            if metric.provenance == "reported" and values
        ]
        for tier in self.tiers:
            if any(metric.is_trusted and tier in metric.passing for metric in self.metric):
                continue
            problems += [
                f"metric {metric.name!r} is counted where it can be forged (instrumented): tier {tier!r} must also"
                " grade an observed or recomputed metric"
                for metric in self.metric
                if metric.provenance == "instrumented" and (tier in metric.passing or tier in metric.distinction)
            ]
        return problems

    def _hint_problems(self) -> list[str]:
        metrics = {metric.name for metric in self.metric}
        known = metrics | {check.name for check in self.check} | set(VERDICTS)
        problems = [
            f"hint for {h.when!r}, which is no metric, check or verdict" for h in self.hint if h.when not in known
        ]
        problems += [
            f"hint for {h.when!r}: above, below, equals and {{value}} are for metrics"
            for h in self.hint
            if h.when not in metrics and (h.is_conditional or "{value}" in h.text)
        ]
        ungraded = {metric.name for metric in self.metric if not metric.passing}
        problems += [
            f"hint for {h.when!r}, which no tier grades: it is never shown" for h in self.hint if h.when in ungraded
        ]
        return problems


class Expectation(Strict):
    """`wrong/<name>/expect.toml`. `caught_by` names the check or metric that failed, or repeats the verdict."""

    verdict: Verdict
    caught_by: Name
    tier: Tier = "smoke"
    why: Text
    kind: Literal["mistake", "slow", "cheat"]

    @model_validator(mode="after")
    def is_caught(self) -> Expectation:
        if self.verdict in {"passed", "cancelled", "infra_error"}:
            raise ValueError(f"a wrong submission cannot end in {self.verdict!r}")
        return self


class FrontMatter(Strict):
    """Between the `---` lines of `lesson.md`."""

    title: str = Field(min_length=1, max_length=120)
    level: Level
    summary: str = Field(min_length=1, max_length=600)
    hours: float = Field(gt=0, le=200)
    requires: list[str] = []


class CourseLesson(Strict):
    slug: str = Field(pattern=r"^(\d\d_[a-z0-9_]+|capstone)$")
    title: str = Field(min_length=1, max_length=120)
    level: Level
    requires: list[str] = []


class CourseFile(Strict):
    """`course.toml`: every lesson that the course has or will have, in order."""

    lesson: list[CourseLesson] = Field(min_length=1)

    @model_validator(mode="after")
    def requirements_come_first(self) -> CourseFile:
        seen: set[str] = set()
        for lesson in self.lesson:
            if lesson.slug in seen:
                raise ValueError(f"lesson {lesson.slug!r} is listed twice")
            missing = [slug for slug in lesson.requires if slug not in seen]
            if missing:
                raise ValueError(f"lesson {lesson.slug!r} requires {missing}, which must be listed before it")
            seen.add(lesson.slug)
        return self


class Quiz(Strict):
    """A ```quiz fence. `answer` is an option's index, or a number with its `tolerance` (absolute)."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    kind: Literal["choice", "numeric"]
    question: Text
    options: list[Text] = []
    answer: float
    tolerance: float = Field(default=0.0, ge=0)
    explanation: Text

    @model_validator(mode="after")
    def answer_is_possible(self) -> Quiz:
        if self.kind == "choice" and (len(self.options) < 2 or self.answer not in range(len(self.options))):
            raise ValueError("a choice needs at least two options, and answer is the index of one (from 0)")
        if self.kind == "numeric" and self.options:
            raise ValueError("a numeric question has no options")
        return self
