"""What the pages of study plans show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from webapp.accounts.models import User
from webapp.catalog.course import course
from webapp.learning.models import PlanFeed, PlanKind, StudyPlan
from webapp.learning.plans import PlanStepView, frame_of, plan_steps, plan_today, views_of
from webapp.learning.plans_forms import usual
from webapp.learning.plans_schedule import heaviest_day, layout
from webapp.learning.plans_steps import ASSUMED_HOURS, course_steps, done_keys, hours_text, lesson_numbers

FULL_DAY = 8 * 60  # minutes; a plan with more on one day says so


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCard:
    """One kind of plan to choose."""

    kind: str
    title: str
    text: str
    hours_text: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanGroup:
    """A week of a plan; of the three days, a day. `out_text`: the hours of what is out, without lessons to come."""

    title: str
    dates: str
    steps: tuple[PlanStepView, ...]
    done: int
    total: int
    hours_text: str
    out_text: str
    now: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanDraft:
    """A plan as it would be, with what speaks against it."""

    groups: tuple[PlanGroup, ...]
    hours_text: str
    ends: date | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPage:
    """The plan in use. `late`: how many steps are from earlier days; `change_url`: its form."""

    title: str
    groups: tuple[PlanGroup, ...]
    today: date
    starts: date
    ends: date | None
    done: int
    total: int
    done_hours: str
    hours_text: str
    percent: int
    late: int
    warnings: tuple[str, ...]
    change_url: str
    feed_path: str


def plan_cards() -> tuple[PlanCard, ...]:
    texts = {
        PlanKind.PART_TIME: gettext(
            "Two weeks for the first lesson, then a lesson a week. Week 8 is your choice of lessons 7 to 10."
        ),
        PlanKind.FULL_TIME: gettext("Lessons 1 to 5 in the first week, 6 to 10 in the second."),
        PlanKind.INTENSIVE: gettext(
            "Lessons 1 to 3, then 4 to 6, then two of 7 to 10: the route of the whole course at a run."
        ),
        PlanKind.CUSTOM: gettext("Your lessons, your days: with a last day, or with so many hours a week."),
    }
    return tuple(
        PlanCard(
            kind=kind,
            title=str(kind.label),
            text=text,
            hours_text="" if kind == PlanKind.CUSTOM else usual_hours(kind),
            url=f"{reverse('plan-new')}?kind={kind}",
        )
        for kind, text in texts.items()
    )


def usual_hours(kind: str) -> str:
    plan = unsaved(kind, {**usual(kind), "end": None, "time_of_day": None})
    steps = course_steps()
    placed = layout(frame_of(plan), [step.task for step in steps], lesson_numbers())
    return hours_text(sum(step.minutes for step in steps if step.key in placed))


def unsaved(kind: str, fields: dict[str, Any]) -> StudyPlan:
    return StudyPlan(**{**fields, "kind": kind})


def plan_draft(user: User | AnonymousUser, fields: dict[str, Any]) -> PlanDraft:
    """`fields`: of a valid form."""
    plan = unsaved(fields["kind"], fields)
    steps = course_steps()
    placed = layout(frame_of(plan), [step.task for step in steps], lesson_numbers())
    done = done_keys(user) if isinstance(user, User) else frozenset()
    views = in_order(views_of(steps, placed, changed={}, done=done, today=plan_today(plan)))
    return PlanDraft(
        groups=tuple(plan_groups(plan, views, plan_today(plan))),
        hours_text=hours_text(sum(view.minutes for view in views)),
        ends=max((view.due for view in views), default=None),
        warnings=tuple(plan_warnings(plan, views)),
    )


def in_order(views: Sequence[PlanStepView]) -> tuple[PlanStepView, ...]:
    return tuple(sorted(views, key=lambda view: (view.begin, view.due)))


def plan_page(plan: StudyPlan) -> PlanPage:
    today = plan_today(plan)
    steps = plan_steps(plan, today)
    counted = [step for step in steps if step.state != "planned"]
    done = [step for step in counted if step.done]
    minutes, done_minutes = sum(s.minutes for s in counted), sum(s.minutes for s in done)
    feed = PlanFeed.objects.filter(user=plan.user_id).first()
    return PlanPage(
        title=str(plan.get_kind_display()),
        groups=tuple(plan_groups(plan, steps, today)),
        today=today,
        starts=plan.start,
        ends=max((step.due for step in steps), default=None),
        done=len(done),
        total=len(counted),
        done_hours=hours_text(done_minutes),
        hours_text=hours_text(minutes),
        percent=round(100 * done_minutes / minutes) if minutes else 0,
        late=sum(step.late for step in steps),
        warnings=tuple(preparation_warning(steps)),
        change_url=f"{reverse('plan-new')}?kind={plan.kind}",
        feed_path=reverse("plan-feed", args=[feed.token]) if feed else "",
    )


def plan_groups(plan: StudyPlan, steps: Sequence[PlanStepView], today: date) -> Iterator[PlanGroup]:
    """By weeks from the start, and the three days by days; a group that holds nothing is left out."""
    by_days = plan.kind == PlanKind.INTENSIVE
    size = 1 if by_days else 7
    ordered = sorted(steps, key=lambda step: (step.due - plan.start).days // size)
    for place, (number, found) in enumerate(groupby(ordered, key=lambda step: (step.due - plan.start).days // size), 1):
        first = plan.start + timedelta(days=number * size)
        last = first + timedelta(days=size - 1)
        title = gettext("Day %(number)d") % {"number": place} if by_days else week_title(number)
        yield plan_group(title, first, last, tuple(found), today)


def week_title(number: int) -> str:
    return gettext("Week %(number)d") % {"number": number + 1} if number >= 0 else gettext("Before the plan")


def plan_group(title: str, first: date, last: date, steps: tuple[PlanStepView, ...], today: date) -> PlanGroup:
    counted = [step for step in steps if step.state != "planned"]
    dates = [date_format(day, "j M") for day in dict.fromkeys((first, last))]
    return PlanGroup(
        title=title,
        dates=" – ".join(dates),
        steps=steps,
        done=sum(step.done for step in counted),
        total=len(counted),
        hours_text=hours_text(sum(step.minutes for step in steps)),
        out_text=hours_text(sum(step.minutes for step in counted)),
        now=first <= today <= last,
    )


def plan_warnings(plan: StudyPlan, views: Sequence[PlanStepView]) -> Iterator[str]:
    """What a learner should know before keeping a plan: days that are too full, lessons that are missing."""
    steps = {step.key: step for step in course_steps()}
    placed = layout(frame_of(plan), [step.task for step in steps.values()], lesson_numbers())
    open_tasks = [steps[view.key].task for view in views if not view.done]
    day, minutes = heaviest_day(open_tasks, placed, frozenset(plan.weekdays))
    if day is not None and minutes > FULL_DAY:
        yield gettext(
            "The fullest day, %(day)s, holds about %(hours)s by the lessons' own estimate. "
            "Take it as a route to choose from, or give it more days."
        ) % {"day": date_format(day, "l j F"), "hours": hours_text(round(minutes))}
    yield from missing_warnings({steps[view.key].lesson for view in views})
    yield from preparation_warning(views)


def missing_warnings(lessons: set[str]) -> Iterator[str]:
    titles = {lesson.slug: lesson.title for lesson in course().lessons}
    for lesson in course().lessons:
        missing = [titles[slug] for slug in lesson.requires if slug not in lessons and slug in titles]
        if lesson.slug in lessons and missing:
            yield gettext("%(lesson)s builds on %(missing)s, which this plan leaves out.") % {
                "lesson": lesson.title,
                "missing": ", ".join(missing),
            }


def preparation_warning(views: Sequence[PlanStepView]) -> Iterator[str]:
    count = sum(view.state == "planned" for view in views)
    if count:
        yield ngettext(
            "%(count)d of its lessons is in preparation. Its days stay free, at %(hours)d hours, until it is out.",
            "%(count)d of its lessons are in preparation. "
            "Their days stay free, at %(hours)d hours each, until they are out.",
            count,
        ) % {"count": count, "hours": ASSUMED_HOURS}
