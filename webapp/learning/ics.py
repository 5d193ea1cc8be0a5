"""A study plan as a calendar (RFC 5545). The library folds, escapes and ends lines; identities are ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext
from icalendar import Calendar, Event
from icalendar.enums import STATUS, TRANSP

from webapp.learning.models import StudyPlan
from webapp.learning.plans import PlanStepView, plan_steps, plan_today

PRODID = "-//Rank Zero//Study plan//EN"
REFRESH = timedelta(hours=6)
CONTROLS = dict.fromkeys([*range(9), *range(11, 32), 127])  # no calendar line may hold them


def plan_calendar(plan: StudyPlan, *, address: str) -> bytes:
    """The whole plan; a plan that has ended says of each step that it is cancelled. `address`: of the site, for links.

    The same plan gives the same bytes until something of it changes.
    """
    calendar = Calendar.new(
        prodid=PRODID,
        method="PUBLISH",
        name=gettext("Study plan, Rank Zero"),
        uid=uid(plan, "calendar"),
        refresh_interval=REFRESH,
        last_modified=plan.changed_at,
    )
    calendar.add("X-PUBLISHED-TTL", REFRESH)
    for event in events(plan, plan_steps(plan, plan_today(plan)), address):
        calendar.add_component(event)
    content: bytes = calendar.to_ical()
    return content


def events(plan: StudyPlan, steps: Sequence[PlanStepView], address: str) -> Iterator[Event]:
    """One a step, on its last day; a lesson in preparation has none yet. Timed steps of a day follow one another."""
    booked: dict[date, int] = {}
    for step in steps:
        if step.state == "planned":
            continue
        before = booked.get(step.due, 0)
        booked[step.due] = before + step.minutes
        yield event(plan, step, address, before=before)


def event(plan: StudyPlan, step: PlanStepView, address: str, *, before: int) -> Event:
    start, end = times(plan, step, before)
    title = f"{step.kind_text}: {step.title} ({step.lesson_title})"
    link = f"{address}{step.url}"
    return Event.new(
        uid=uid(plan, step.key),
        stamp=plan.changed_at,
        created=plan.created_at,
        last_modified=plan.ended_at or plan.changed_at,
        sequence=plan.revision + (plan.ended_at is not None),
        summary=plain(f"✓ {title}" if step.done else title),
        description=plain(description(step, link)),
        url=link,
        start=start,
        end=end,
        status=STATUS.CANCELLED if plan.ended_at else STATUS.CONFIRMED,
        transparency=TRANSP.OPAQUE if plan.time_of_day else TRANSP.TRANSPARENT,
    )


def uid(plan: StudyPlan, part: str) -> str:
    """The same for ever, whatever the site's address; the moment tells apart the plans of two sites."""
    return f"{plan.created_at.astimezone(UTC):%Y%m%dT%H%M%S}-{plan.pk}-{part}@rankzero"


def description(step: PlanStepView, link: str) -> str:
    words = [gettext("About %(minutes)d minutes.") % {"minutes": step.minutes}]
    if step.begin != step.due:
        words.append(gettext("Begin on %(day)s.") % {"day": step.begin.isoformat()})
    return f"{' '.join(words)}\n{link}"


def times(plan: StudyPlan, step: PlanStepView, before: int) -> tuple[date | datetime, date | datetime]:
    """A day; or from the plan's hour on, after the `before` minutes of earlier steps that day, never past midnight."""
    if plan.time_of_day is None:
        return step.due, step.due + timedelta(days=1)
    zone = ZoneInfo(plan.time_zone)
    midnight = datetime.combine(step.due + timedelta(days=1), time(0), tzinfo=zone).astimezone(UTC)
    first = datetime.combine(step.due, plan.time_of_day, tzinfo=zone).astimezone(UTC)
    start = min(first + timedelta(minutes=before), midnight - timedelta(minutes=15))
    return start, min(start + timedelta(minutes=max(step.minutes, 15)), midnight)


def plain(text: str) -> str:
    return text.translate(CONTROLS)
