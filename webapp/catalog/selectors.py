"""Reads for the pages of the catalog. What they return is described in contexts.py."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from lessons.loader import Exercise, Lesson
from webapp.accounts.models import User
from webapp.catalog.contexts import (
    ExerciseCard,
    LessonCard,
)
from webapp.catalog.course import course
from webapp.catalog.progress import ExerciseProgress, progress_of

Person = User | AnonymousUser
Progress = Mapping[UUID, ExerciseProgress]
STATES = {"new": _("Not started"), "tried": _("Not passed yet"), "passed": _("Passed")}


def problems_for(user: Person) -> tuple[str, ...]:
    """The content's errors, for those who can mend them."""
    if isinstance(user, User) and user.is_teacher:
        return tuple(str(error) for error in course().errors)
    return ()


def lesson_cards(user: Person) -> tuple[LessonCard, ...]:
    progress = progress_of(user)
    return tuple(lesson_card(lesson, progress) for lesson in course().lessons)


def lesson_card(lesson: Lesson, progress: Progress) -> LessonCard:
    exercises = tuple(exercise_card(exercise, progress) for exercise in lesson.exercises)
    return LessonCard(
        slug=lesson.slug,
        number=lesson.slug[:2] if lesson.slug[:2].isdigit() else "",
        title=lesson.title,
        level=lesson.level,
        summary=lesson.summary,
        hours=lesson.hours or 0.0,
        requires=lesson.requires,
        planned=not lesson.body,
        url=reverse("lesson", args=[lesson.slug]) if lesson.body else "",
        exercises=exercises,
        passed=sum(card.state == "passed" for card in exercises),
    )


def exercise_card(exercise: Exercise, progress: Progress) -> ExerciseCard:
    manifest = exercise.manifest
    done = progress.get(manifest.id)
    state = "new" if done is None else "passed" if done.passed else "tried"
    return ExerciseCard(
        id=str(manifest.id),
        slug=exercise.slug,
        lesson=exercise.lesson,
        title=manifest.title,
        summary=manifest.summary,
        minutes=manifest.minutes,
        difficulty=manifest.difficulty,
        points=manifest.points,
        tiers=tuple(manifest.tiers),
        url=reverse("exercise", args=[exercise.lesson, exercise.slug]),
        state=state,
        state_text=str(STATES[state]),
        best=done.best if done else None,
    )


def lesson_find(slug: str) -> Lesson | None:
    """A lesson that has a page."""
    found = course().lesson(slug)
    return found if found and found.body else None
