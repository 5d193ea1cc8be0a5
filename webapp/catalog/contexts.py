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
    read: bool = False  # by the person who looks


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

    Answered by JSON {"correct": bool, "explanation": str (HTML, cleaned), "tally": str} or 422
    {"errors": {"answer": [..]}}; without `Accept: application/json` by the lesson page with `result` filled in.
    """

    id: str
    kind: str  # choice or numeric
    question_html: str
    options_html: tuple[str, ...] = ()
    url: str = ""
    result: QuizResult | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuizResult:
    """A person's last answer, graded by the quiz as it is now. `was_correct` stays true once it was."""

    correct: bool
    explanation_html: str
    answer: str
    was_correct: bool = False
    tries: int = 0  # 0: not counted, as a visitor's


@dataclass(frozen=True, slots=True, kw_only=True)
class Widget:
    """Given to catalog/_widget.html as `widget`. Scripts draw it into the page; `text_html` says the same in words."""

    index: int
    name: str
    title: str
    text_html: str
    params: str  # JSON, of lessons.widgets


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    data: bytes
    content_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingView:
    """How far the person who looks has read. `place` is the heading where the page was left; None at first."""

    sections: int
    read: int
    place: TocEntry | None
    url: str

    @property
    def is_done(self) -> bool:
        return self.read == self.sections


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
    reading: ReadingView
    tally: str  # "9 of 11 quizzes right"; "" for a visitor or without quizzes
    storage_key: str  # under which the browser keeps this person's texts of this lesson
    source_url: str
    problems: tuple[str, ...] = field(default=())
