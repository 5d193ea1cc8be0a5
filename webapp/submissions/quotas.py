"""GPU minutes: what a learner has left of a day's. A run counts on the day of its start, in the site's time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from lessons.loader import Exercise
from webapp.accounts.models import User
from webapp.catalog import course as catalog_course
from webapp.cohorts.selectors import gpu_minutes
from webapp.submissions.models import TERMINAL, Run, Tier, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """Seconds of the GPU that a learner has left today, of how many, and when the day begins anew."""

    allowed_s: float
    left_s: float
    resets_at: datetime

    @property
    def text(self) -> str:
        """ "12 of 30 GPU minutes left today"."""
        text = _("{left} of {allowed} GPU minutes left today")
        return text.format(left=minutes(self.left_s), allowed=minutes(self.allowed_s))


def minutes(seconds: float) -> int:
    """Whole ones, rounded down: nobody is told of more than there is."""
    return int(seconds // 60)


def gpu_quota(user: User) -> Quota | None:
    """None where the learner's minutes are unlimited. A cohort's number stands in place of the site's setting."""
    given = gpu_minutes(user)
    allowed = 60.0 * (settings.GPU_MINUTES_PER_DAY if given is None else given)
    if not allowed:
        return None
    start, end = day_of(timezone.now())
    left = allowed - used_seconds(user, start) - reserved_seconds(user)
    return Quota(allowed_s=allowed, left_s=max(0.0, left), resets_at=end)


def day_of(moment: datetime) -> tuple[datetime, datetime]:
    """Beginning and end of its day in the site's time zone."""
    zone = timezone.get_default_timezone()
    date = moment.astimezone(zone).date()
    return datetime.combine(date, time.min, zone), datetime.combine(date + timedelta(days=1), time.min, zone)


def used_seconds(user: User, since: datetime) -> float:
    """Measured seconds of the learner's own finished GPU runs. Ours to pay: infra errors, second runs and regrades."""
    runs = Run.objects.filter(
        learner=user, tier=Tier.GPU, started_at__gte=since, finished_at__isnull=False, confirms=None, regrade=None
    )
    spans = runs.exclude(verdict=Verdict.INFRA_ERROR).order_by().values_list("started_at", "finished_at")
    return sum((end - start).total_seconds() for start, end in spans if start is not None and end is not None)


def reserved_seconds(user: User) -> float:
    """What the learner's open GPU runs may need at most."""
    runs = Run.objects.filter(learner=user, tier=Tier.GPU, confirms=None, regrade=None).exclude(status__in=TERMINAL)
    keys = runs.order_by().values_list("submission__exercise__lesson", "submission__exercise__slug")
    exercises = [catalog_course.exercise_find(lesson, slug) for lesson, slug in keys if lesson and slug]
    return sum(longest_seconds(exercise) for exercise in exercises if exercise is not None)


def longest_seconds(exercise: Exercise) -> float:
    """After how long a GPU run of the exercise is stopped; 0 where it has no such tier (any more)."""
    return exercise.manifest.limits_for("gpu").judge_seconds if "gpu" in exercise.manifest.tiers else 0.0


def check_gpu_minutes(user: User, exercise: Exercise, *, tier: str) -> None:
    """Raises ValidationError (field tier) when the longest that the run may take is more than what is left today.

    So a quota is never overdrawn. The caller holds the learner's lock.
    """
    quota = gpu_quota(user) if tier == Tier.GPU else None
    longest = longest_seconds(exercise)
    if quota is None or longest <= quota.left_s:
        return
    needs = -int(-longest // 60)
    if longest > quota.allowed_s:
        a_day = minutes(quota.allowed_s)
        text = _("A GPU run may take {needs} minutes here, and you have {a_day} a day. Ask your instructor for more.")
        text = text.format(needs=needs, a_day=a_day)
    else:
        resets = f"{quota.resets_at:%-d %b, %H:%M} ({settings.TIME_ZONE})"
        text = _("{quota}; a run may take {needs}. Wait for an open run to end, or come back on {resets}.")
        text = text.format(quota=quota.text, needs=needs, resets=resets)
    raise ValidationError({"tier": [text]})
