"""How far a person is: reads what they have read, answered and passed. A fixed number of queries for all lessons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from lessons.loader import Lesson
from webapp.accounts.models import User
from webapp.catalog.contexts import ExerciseCard, LessonCard
from webapp.catalog.course import course
from webapp.catalog.lesson_page import headings_of
from webapp.catalog.models import QuizAnswer, Reading
from webapp.catalog.progress import ExerciseProgress, progress_of
from webapp.catalog.selectors import lesson_card
from webapp.learning.progress import Count, LessonProgress, together
from webapp.submissions.records import VerdictRecord, distinctions_of, verdict_records

RECENT = 10
LEVELS = {
    "beginner": gettext_lazy("Beginner"),
    "intermediate": gettext_lazy("Intermediate"),
    "advanced": gettext_lazy("Advanced"),
}
Person = User | AnonymousUser


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingRecord:
    lesson: str
    sections: frozenset[str]
    place: str  # id of the heading where the page was left
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """All that the database knows of one person's learning, as the pages count it."""

    readings: Mapping[str, ReadingRecord]  # by lesson
    answered: Mapping[str, frozenset[str]]  # lesson → quizzes that were right
    exercises: Mapping[UUID, ExerciseProgress]


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonState:
    """A lesson with how far the person is in it."""

    card: LessonCard
    progress: LessonProgress

    @property
    def hours_text(self) -> str:
        """ "1 hour", "6 hours", "1.5 hours"; "" where the lesson does not say."""
        hours = self.card.hours
        if not hours:
            return ""
        if hours == int(hours):
            return ngettext("%(hours)d hour", "%(hours)d hours", int(hours)) % {"hours": hours}
        return _("%(hours)s hours") % {"hours": number_format(hours, 1)}

    @property
    def level_text(self) -> str:
        return str(LEVELS[self.card.level])


@dataclass(frozen=True, slots=True, kw_only=True)
class ExerciseLine:
    card: ExerciseCard
    tries: int
    tries_text: str
    distinction: bool
    points_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonLine:
    card: LessonCard
    progress: LessonProgress
    exercises: tuple[ExerciseLine, ...]
    points_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressContext:
    """`lessons` are those that have a page; `planned` counts the others."""

    overall: LessonProgress
    points_text: str
    lessons: tuple[LessonLine, ...]
    planned_text: str
    recent: tuple[VerdictRecord, ...]
    is_new: bool  # nothing was read, answered or tried yet
    first: LessonCard | None


def records_of(user: Person) -> Records:
    """Three queries; none for a visitor."""
    if not isinstance(user, User):
        return Records(readings={}, answered={}, exercises={})
    rows = Reading.objects.filter(user=user).values_list("lesson", "sections", "place", "updated_at")
    readings = {
        row[0]: ReadingRecord(lesson=row[0], sections=frozenset(map(str, row[1])), place=row[2], at=row[3])
        for row in rows
    }
    answered: dict[str, set[str]] = {}
    for lesson, quiz in QuizAnswer.objects.filter(user=user, was_correct=True).values_list("lesson", "quiz"):
        answered.setdefault(lesson, set()).add(quiz)
    quizzes = {lesson: frozenset(found) for lesson, found in answered.items()}
    return Records(readings=readings, answered=quizzes, exercises=progress_of(user))


def lesson_states(records: Records) -> tuple[LessonState, ...]:
    return tuple(
        LessonState(card=lesson_card(lesson, records.exercises), progress=lesson_progress(lesson, records))
        for lesson in course().lessons
    )


def lesson_progress(lesson: Lesson, records: Records) -> LessonProgress:
    """Only what the lesson has now counts: a quiz that was taken out of it is neither done nor missing.

    Sections are those of the lesson's contents, as its page counts them.
    """
    reading = records.readings.get(lesson.slug)
    sections = frozenset(headings_of(lesson))
    quizzes = {quiz.id for quiz in lesson.quizzes}
    done = [records.exercises.get(exercise.manifest.id) for exercise in lesson.exercises]
    points = [exercise.manifest.points for exercise in lesson.exercises]
    earned = [own for own, found in zip(points, done, strict=True) if found and found.passed]
    return LessonProgress(
        sections=Count(done=len(sections & reading.sections) if reading else 0, total=len(sections)),
        quizzes=Count(done=len(quizzes & records.answered.get(lesson.slug, frozenset())), total=len(quizzes)),
        exercises=Count(done=len(earned), total=len(done)),
        points=Count(done=sum(earned), total=sum(points)),
        tried=sum(found is not None for found in done),
        planned=not lesson.body,
    )


def progress_context(user: User) -> ProgressContext:
    records = records_of(user)
    states = lesson_states(records)
    best = distinctions_of(user)
    overall = together(state.progress for state in states)
    shown = [state for state in states if not state.card.planned]
    recent = verdict_records(user, RECENT)
    planned = Counter(state.card.planned for state in states)[True]
    return ProgressContext(
        overall=overall,
        points_text=points_text(overall.points),
        lessons=tuple(lesson_line(state, records, best) for state in shown),
        planned_text=planned_text(planned) if planned else "",
        recent=recent,
        is_new=not (recent or overall.percent or overall.tried),
        first=shown[0].card if shown else None,
    )


def lesson_line(state: LessonState, records: Records, best: frozenset[UUID]) -> LessonLine:
    return LessonLine(
        card=state.card,
        progress=state.progress,
        exercises=tuple(exercise_line(card, records, best) for card in state.card.exercises),
        points_text=points_text(state.progress.points),
    )


def exercise_line(card: ExerciseCard, records: Records, best: frozenset[UUID]) -> ExerciseLine:
    done = records.exercises.get(UUID(card.id))
    tries = done.tries if done else 0
    return ExerciseLine(
        card=card,
        tries=tries,
        tries_text=ngettext("%(count)d attempt", "%(count)d attempts", tries) % {"count": tries},
        distinction=UUID(card.id) in best,
        points_text=points_text(Count(done=card.points if card.state == "passed" else 0, total=card.points)),
    )


def points_text(points: Count) -> str:
    text = ngettext("%(done)d of %(total)d point", "%(done)d of %(total)d points", points.total)
    return text % {"done": points.done, "total": points.total} if points.total else _("no points yet")


def planned_text(count: int) -> str:
    text = ngettext("%(count)d more lesson is in preparation.", "%(count)d more lessons are in preparation.", count)
    return text % {"count": count}
