"""What the catalog's templates are given. Built by selectors.py; templates do no arithmetic."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class ExerciseCard:
    """`state` is new, tried or passed (for the person who looks); `best` is a percentage, None before a verdict."""

    id: str
    slug: str
    lesson: str
    title: str
    summary: str
    minutes: int
    difficulty: int  # 1 to 5
    points: int
    tiers: tuple[str, ...]
    url: str
    state: str = "new"
    state_text: str = "Not started"
    best: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonCard:
    slug: str
    number: str  # "09"; "" for the capstone
    title: str
    level: str  # beginner, intermediate or advanced
    summary: str
    hours: float
    requires: tuple[str, ...]  # slugs
    planned: bool  # True: in preparation, no page yet, url is ""
    url: str
    exercises: tuple[ExerciseCard, ...] = ()
    passed: int = 0  # of its exercises, by the person who looks

    @property
    def total(self) -> int:
        return len(self.exercises)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabNotice:
    """Given only while nothing can run. `state` is missing, installing or failed; `percent` is 0 to 100."""

    state: str
    text: str
    percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TocEntry:
    level: int  # 2 or 3
    id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Given to catalog/_cell.html as `cell`. POST `url` with `code`, answered by JSON {run, url, ws_url}.

    Field `cell:<index>` may carry what the learner has in an earlier cell of the same session; else the lesson's
    text of that cell is used.
    """

    index: int
    code: str
    session: str  # "" for a cell of its own
    earlier: tuple[int, ...]  # indexes of the cells that run silently before it
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiz:
    """Given to catalog/_quiz.html as `quiz`. POST `url` with `answer` (an option's index, or a number).

    Answered by JSON {"correct": bool, "explanation": str (HTML, cleaned)} or 422 {"errors": {"answer": [..]}};
    without `Accept: application/json` by the lesson page with `result` filled in.
    """

    id: str
    kind: str  # choice or numeric
    question_html: str
    options_html: tuple[str, ...] = ()
    url: str = ""
    result: QuizResult | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuizResult:
    correct: bool
    explanation_html: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonContext:
    lesson: LessonCard
    html: str  # safe: cleaned, cells and quizzes in place
    toc: tuple[TocEntry, ...]
    exercises: tuple[ExerciseCard, ...]
    previous: LessonCard | None
    next: LessonCard | None
    has_math: bool
    has_mermaid: bool
    has_cells: bool
    problems: tuple[str, ...] = field(default=())
