"""What the home page shows: to a visitor, and to somebody who learns here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from lessons.schema import SECTIONS
from webapp.accounts.models import User
from webapp.catalog.contexts import ExerciseCard, LessonCard
from webapp.catalog.course import course
from webapp.catalog.markdown import render, render_inline
from webapp.catalog.selectors import problems_for
from webapp.learning.home_shown import Shown, shown_runs
from webapp.learning.plans import PlanStepView, next_steps
from webapp.learning.progress import LessonProgress, together
from webapp.learning.progress_selectors import LessonState, Person, ReadingRecord, Records, lesson_states, records_of
from webapp.learning.skillmap import SkillMap, skill_map
from webapp.submissions.records import LastWork, VerdictRecord, last_work, verdict_records

OBJECTIVES, STEPS = 5, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """Where the learner goes on. `at` is when they were there; None for what they never opened."""

    label: str
    title: str
    detail: str
    action: str
    url: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A lesson that a visitor can read, and its first objectives (HTML, cleaned)."""

    card: LessonCard
    objectives_html: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeContext:
    """`overall`, `resume`, `verdict` and `steps` are a learner's; `shown` and `sample` a visitor's."""

    map: SkillMap
    lessons: tuple[LessonState, ...]  # that have a page
    overall: LessonProgress
    is_new: bool
    resume: Resume | None
    verdict: VerdictRecord | None
    steps: tuple[PlanStepView, ...]  # that the study plan has next
    shown: Shown | None
    sample: Sample | None
    problems: tuple[str, ...]  # of the content; only for teachers


def home_context(user: Person) -> HomeContext:
    records = records_of(user)
    states = lesson_states(records)
    readable = tuple(state for state in states if not state.card.planned)
    learner = user if isinstance(user, User) else None
    overall = together(state.progress for state in states)
    return HomeContext(
        map=skill_map(states),
        lessons=readable,
        overall=overall,
        is_new=not (overall.percent or overall.tried),
        resume=resume(learner, records, readable) if learner else None,
        verdict=next(iter(verdict_records(learner, 1)), None) if learner else None,
        steps=next_steps(learner, limit=STEPS) if learner else (),
        shown=None if learner else shown_runs(),
        sample=None if learner else sample_of(readable),
        problems=problems_for(user),
    )


def resume(user: User, records: Records, states: tuple[LessonState, ...]) -> Resume | None:
    """The latest of what was read and what was worked at, unless it is finished; else what comes next."""
    reading = latest_reading(records, states)
    works = (resume_work(work, records, states) for work in last_work(user))
    found = [one for one in (reading, *works) if one is not None]
    newest = max(found, key=lambda one: one.at.timestamp() if one.at else 0.0, default=None)
    return newest or what_is_next(states)


def latest_reading(records: Records, states: tuple[LessonState, ...]) -> Resume | None:
    """A lesson that is read to its end is not gone on with."""
    open_ones = {s.card.slug: s.card for s in states if s.progress.sections.done < s.progress.sections.total}
    readings = [reading for slug, reading in records.readings.items() if slug in open_ones]
    if not readings:
        return None
    newest = max(readings, key=lambda reading: reading.at)
    return resume_reading(newest, open_ones[newest.lesson])


def resume_reading(reading: ReadingRecord, card: LessonCard) -> Resume:
    heading = heading_of(card.slug, reading.place)
    return Resume(
        label=_("Go on reading"),
        title=card.title,
        detail=_("at “%(heading)s”") % {"heading": heading} if heading else _("from the beginning"),
        action=_("Continue reading"),
        url=f"{card.url}#{reading.place}" if heading else card.url,
        at=reading.at,
    )


def heading_of(lesson: str, place: str) -> str:
    """The words of a heading, if the lesson still has it."""
    found = course().lesson(lesson)
    toc = render(found.body).toc if found and place else []
    return next((entry.text for entry in toc if entry.id == place), "")


def resume_work(work: LastWork, records: Records, states: tuple[LessonState, ...]) -> Resume | None:
    """None for what is passed, and for an exercise that is no longer there."""
    done = records.exercises.get(work.exercise)
    pairs = {UUID(card.id): (state.card, card) for state in states for card in state.card.exercises}
    if work.exercise not in pairs or (done is not None and done.passed):
        return None
    lesson, exercise = pairs[work.exercise]
    return resume_exercise(exercise, lesson, work)


def resume_exercise(exercise: ExerciseCard, lesson: LessonCard, work: LastWork) -> Resume:
    said = _("Your draft in “%(lesson)s” is kept") if work.is_draft else _("Last sent, in “%(lesson)s”")
    return Resume(
        label=_("Go on writing"),
        title=exercise.title,
        detail=said % {"lesson": lesson.title},
        action=_("Open the exercise"),
        url=exercise.url,
        at=work.at,
    )


def what_is_next(states: tuple[LessonState, ...]) -> Resume | None:
    """The first lesson to somebody who is new; then the first exercise that is not passed; then what is unread."""
    if not states:
        return None
    if all(state.progress.state == "new" for state in states):
        return resume_lesson(states[0].card, _("Start with"), _("Open the lesson"))
    pairs = [(state, card) for state in states for card in state.card.exercises if card.state != "passed"]
    if pairs:
        state, card = pairs[0]
        detail = _("in “%(lesson)s”") % {"lesson": state.card.title}
        return Resume(label=_("Next"), title=card.title, detail=detail, action=_("Open the exercise"), url=card.url)
    unread = next((s for s in states if s.progress.sections.done < s.progress.sections.total), None)
    return resume_lesson(unread.card, _("Not read to its end"), _("Continue reading")) if unread else None


def resume_lesson(card: LessonCard, label: str, action: str) -> Resume:
    return Resume(label=label, title=card.title, detail=card.summary, action=action, url=card.url)


def sample_of(states: tuple[LessonState, ...]) -> Sample | None:
    return Sample(card=states[0].card, objectives_html=objectives_of(states[0].card.slug)) if states else None


def objectives_of(lesson: str) -> tuple[str, ...]:
    """The first objectives, as the lesson has them: the list items between its first heading and its second."""
    found = course().lesson(lesson)
    assert found is not None, "a card is made of a lesson"
    part = found.body.split(f"## {SECTIONS[0]}", 1)[-1].split("\n## ", 1)[0]
    items = [line[2:].rstrip(" ;.") for line in part.splitlines() if line.startswith("- ")]
    return tuple(render_inline(item) for item in items[:OBJECTIVES])
