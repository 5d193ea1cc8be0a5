"""Study plans: making, changing and ending one, and what is next in it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext

from webapp.accounts.models import User
from webapp.learning.models import PlanFeed, PlanStep, StudyPlan
from webapp.learning.plans_schedule import Days, Frame, Placed, layout, minutes_a_day, pour, study_days
from webapp.learning.plans_steps import KINDS, Step, course_steps, done_keys, hours_text, lesson_numbers

FIELDS = ("kind", "start", "weekdays", "lessons", "end", "hours_a_week", "time_of_day", "time_zone")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStepView:
    """One dated step. `state`: done, late, now (its days include today), next, or planned (its lesson is not out)."""

    key: str
    kind: str
    kind_text: str
    title: str
    lesson_title: str
    url: str
    minutes: int
    begin: date
    due: date
    state: str
    ticked: bool  # done by the learner's word, which can be taken back
    today: bool  # one of its days is today

    @property
    def anchor(self) -> str:
        return anchor(self.key)

    @property
    def time_text(self) -> str:
        return hours_text(self.minutes)

    @property
    def now(self) -> bool:
        """There is something to do for it today."""
        return self.today and self.state in ("now", "late")

    @property
    def done(self) -> bool:
        return self.state == "done"

    @property
    def late(self) -> bool:
        return self.state == "late"


def plan_of(user: User | AnonymousUser) -> StudyPlan | None:
    """The plan in use."""
    if not isinstance(user, User):
        return None
    plan = StudyPlan.objects.filter(user=user, ended_at=None).first()
    if plan is not None:
        plan.user = user
    return plan


def plan_today(plan: StudyPlan) -> date:
    """The date where the learner is."""
    return timezone.now().astimezone(ZoneInfo(plan.time_zone)).date()


def next_steps(user: User | AnonymousUser, today: date | None = None, *, limit: int = 3) -> tuple[PlanStepView, ...]:
    """The first open steps of the plan in use, in its order; empty without a plan or when nothing is left."""
    plan = plan_of(user)
    if plan is None:
        return ()
    steps = plan_steps(plan, today or plan_today(plan))
    return tuple(step for step in steps if not step.done and step.state != "planned")[:limit]


def plan_steps(plan: StudyPlan, today: date) -> tuple[PlanStepView, ...]:
    """All steps of a plan with their days, in the order of those."""
    changed = {row.key: row for row in plan.steps.all()}
    done = done_keys(plan.user)
    views = views_of(course_steps(), plan_placed(plan, changed), changed=changed, done=done, today=today)
    return tuple(sorted(views, key=lambda view: (view.begin, view.due)))


def views_of(
    steps: Sequence[Step],
    placed: Placed,
    *,
    changed: Mapping[str, PlanStep],
    done: frozenset[str],
    today: date,
) -> list[PlanStepView]:
    return [
        step_view(step, placed[step.key], row=changed.get(step.key), done=step.key in done, today=today)
        for step in steps
        if step.key in placed
    ]


def step_view(step: Step, days: Days, *, row: PlanStep | None, done: bool, today: date) -> PlanStepView:
    ticked = row is not None and row.ticked_at is not None and not done
    is_done = (done or ticked) and not step.planned
    return PlanStepView(
        key=step.key,
        kind=step.kind,
        kind_text=str(KINDS[step.kind]),
        title=step.title,
        lesson_title=step.lesson_title,
        url=step.url,
        minutes=step.minutes,
        begin=days.begin,
        due=days.due,
        state="done" if is_done else state_of(step, days, today),
        ticked=ticked,
        today=days.begin <= today <= days.due,
    )


def state_of(step: Step, days: Days, today: date) -> str:
    if step.planned:
        return "planned"
    if days.due < today:
        return "late"
    return "now" if days.begin <= today else "next"


def anchor(key: str) -> str:
    """The id of a step's place on the page."""
    return f"step-{key.replace(':', '-')}"


def frame_of(plan: StudyPlan) -> Frame:
    return Frame(
        kind=plan.kind,
        start=plan.start,
        weekdays=frozenset(plan.weekdays),
        chosen=tuple(plan.lessons),
        end=plan.end,
        hours=plan.hours_a_week,
    )


def plan_placed(plan: StudyPlan, changed: Mapping[str, PlanStep]) -> Placed:
    """The plan's days, and over them those that its owner gave. What was given to a lesson in preparation holds for
    its steps once it is out."""
    steps = course_steps()
    placed = layout(frame_of(plan), [step.task for step in steps], lesson_numbers())
    for step in steps:
        row = next((changed[key] for key in (step.key, step.lesson) if key in changed and changed[key].due), None)
        if step.key in placed and row is not None and row.due is not None:
            placed[step.key] = Days(begin=row.begins or row.due, due=row.due)
    return placed


@transaction.atomic
def plan_save(*, user: User, **fields: Any) -> StudyPlan:
    """Start a plan, or change the one in use: days that were given by hand go then, ticks stay. Fields: FIELDS."""
    User.objects.select_for_update().get(pk=user.pk)  # two clicks make one plan
    plan = plan_of(user) or StudyPlan(user=user, revision=feed_revision(user))
    for name in FIELDS:
        setattr(plan, name, fields[name])
    plan.changed_at = timezone.now()
    plan.revision += 1
    plan.full_clean()
    plan.save()
    plan.steps.update(begins=None, due=None)
    PlanFeed.objects.get_or_create(user=user, defaults={"token": new_token()})
    return plan


def feed_revision(user: User) -> int:
    """A new plan counts on from the last one, so that a calendar never sees an older number."""
    last = StudyPlan.objects.filter(user=user).first()
    return last.revision if last else 0


def plan_stop(*, plan: StudyPlan) -> None:
    """Kept as history; its calendar is empty from now on."""
    StudyPlan.objects.filter(pk=plan.pk, ended_at=None).update(ended_at=timezone.now())


def step_tick(*, plan: StudyPlan, key: str, done: bool) -> None:
    step = step_find(plan, key)
    if step.planned:
        raise ValidationError(gettext("This lesson is in preparation: there is nothing to tick yet."))
    PlanStep.objects.update_or_create(plan=plan, key=key, defaults={"ticked_at": timezone.now() if done else None})


@transaction.atomic
def step_move(*, plan: StudyPlan, key: str, day: date) -> None:
    """Give a step one day."""
    step_find(plan, key)
    if not 2000 <= day.year <= 2100:
        raise ValidationError(gettext("Choose a day between 2000 and 2100."))
    PlanStep.objects.update_or_create(plan=plan, key=key, defaults={"begins": day, "due": day})
    plan_changed(plan, timezone.now())


def step_find(plan: StudyPlan, key: str) -> Step:
    placed = plan_placed(plan, {})
    found = next((step for step in course_steps() if step.key == key and key in placed), None)
    if found is None:
        raise ValidationError(gettext("Your plan has no such step any more. Load the page again."))
    return found


@transaction.atomic
def plan_replan(*, plan: StudyPlan, today: date) -> None:
    """Give everything that is not done new days from today on, at the plan's own pace."""
    changed = {row.key: row for row in plan.steps.all()}
    steps = {step.key: step for step in course_steps()}
    views = plan_steps(plan, today)
    tasks = [steps[view.key].task for view in views]
    pace = minutes_a_day(tasks, plan_placed(plan, {}), frozenset(plan.weekdays))
    rest = [steps[view.key].task for view in views if not view.done]
    for key, days in pour(rest, study_days(today, frozenset(plan.weekdays)), pace).items():
        row = changed.get(key) or PlanStep(plan=plan, key=key)
        row.begins, row.due = days.begin, days.due
        row.save()
    plan_changed(plan, timezone.now())


def plan_changed(plan: StudyPlan, when: datetime) -> None:
    StudyPlan.objects.filter(pk=plan.pk).update(revision=F("revision") + 1, changed_at=when)


def feed_renew(*, user: User) -> None:
    """A new secret address: the old one shows nothing any more."""
    PlanFeed.objects.update_or_create(user=user, defaults={"token": new_token(), "made_at": timezone.now()})


def new_token() -> str:
    return secrets.token_urlsafe(32)
