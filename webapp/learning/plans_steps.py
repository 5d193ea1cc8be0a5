"""The steps that the lessons of a plan consist of, and which of them are done by what the learner really did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext, gettext_lazy

from lessons.loader import Exercise, Lesson
from webapp.accounts.models import User
from webapp.catalog.course import course
from webapp.catalog.models import Reading
from webapp.catalog.progress import progress_of
from webapp.learning.plans_schedule import Task

ASSUMED_HOURS = 6  # of a lesson in preparation: what the finished ones take
LEAST_READING = 60  # minutes that are left for the text, however long the exercises of a lesson are
KINDS = {
    "theory": gettext_lazy("Theory"),
    "hands_on": gettext_lazy("Hands-on"),
    "exercise": gettext_lazy("Exercise"),
    "project": gettext_lazy("Project"),
    "beyond": gettext_lazy("Beyond"),
    "planned": gettext_lazy("In preparation"),
}
# Kind of step → the heading whose end says that it is read, and its share of the reading time.
READ = {
    "theory": ("theory-concepts", 0.4),
    "hands_on": ("hands-on-implementation", 0.4),
    "beyond": ("best-practices", 0.2),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing to do. `exercise`, or `section` (a heading's id), says by what it is done."""

    key: str
    lesson: str
    kind: str
    title: str
    lesson_title: str
    url: str
    minutes: int
    exercise: UUID | None = None
    section: str = ""

    @property
    def planned(self) -> bool:
        return self.kind == "planned"

    @property
    def task(self) -> Task:
        return Task(key=self.key, lesson=self.lesson, minutes=self.minutes)


def course_steps() -> tuple[Step, ...]:
    """Of all lessons, in the course's order, which keeps the skill map's."""
    return tuple(step for lesson in course().lessons for step in lesson_steps(lesson))


def lesson_steps(lesson: Lesson) -> Iterator[Step]:
    if not lesson.body:
        yield planned_step(lesson)
        return
    reading = max(lesson_minutes(lesson) - sum(e.manifest.minutes for e in lesson.exercises), LEAST_READING)
    yield reading_step(lesson, "theory", gettext("Read the theory"), reading)
    yield reading_step(lesson, "hands_on", gettext("Work through the hands-on part"), reading)
    last = len(lesson.exercises) - 1
    for place, exercise in enumerate(lesson.exercises):
        yield exercise_step(lesson, exercise, "project" if place == last > 0 else "exercise")
    yield reading_step(lesson, "beyond", gettext("Read on: advanced techniques and best practices"), reading)


def lesson_minutes(lesson: Lesson) -> int:
    return round((lesson.hours or ASSUMED_HOURS) * 60)


def planned_step(lesson: Lesson) -> Step:
    return Step(
        key=lesson.slug,
        lesson=lesson.slug,
        kind="planned",
        title=lesson.title,
        lesson_title=lesson.title,
        url="",
        minutes=lesson_minutes(lesson),
    )


def reading_step(lesson: Lesson, kind: str, title: str, reading: int) -> Step:
    section, share = READ[kind]
    return Step(
        key=f"{lesson.slug}:{kind}",
        lesson=lesson.slug,
        kind=kind,
        title=title,
        lesson_title=lesson.title,
        url=f"{reverse('lesson', args=[lesson.slug])}#{section if kind != 'beyond' else 'advanced-techniques'}",
        minutes=round(reading * share),
        section=section,
    )


def exercise_step(lesson: Lesson, exercise: Exercise, kind: str) -> Step:
    manifest = exercise.manifest
    return Step(
        key=f"{lesson.slug}:{manifest.id}",
        lesson=lesson.slug,
        kind=kind,
        title=manifest.title,
        lesson_title=lesson.title,
        url=reverse("exercise", args=[exercise.lesson, exercise.slug]),
        minutes=manifest.minutes,
        exercise=manifest.id,
    )


def lesson_numbers() -> Mapping[int, str]:
    """The tutorials' numbers, as the ready-made plans name them. A private lesson has no place in those plans."""
    found: dict[int, str] = {}
    for lesson in course().lessons:
        if lesson.slug[:2].isdigit():
            found.setdefault(int(lesson.slug[:2]), lesson.slug)
    return found


def done_keys(user: User) -> frozenset[str]:
    """Keys of the steps that are done: exercises passed, sections read to their end."""
    progress = progress_of(user)
    passed = {key for key, value in progress.items() if value.passed}
    read = {row.lesson: frozenset(row.sections) for row in Reading.objects.filter(user=user)}
    return frozenset(
        step.key
        for step in course_steps()
        if step.exercise in passed or (step.section and step.section in read.get(step.lesson, ()))
    )


def hours_text(minutes: int) -> str:
    """45 min; 2.5 h; 61 h."""
    if minutes < 60:
        return gettext("%(count)d min") % {"count": minutes}
    hours = round(minutes / 30) / 2 if minutes < 600 else round(minutes / 60)
    return gettext("%(count)s h") % {"count": f"{hours:g}"}
