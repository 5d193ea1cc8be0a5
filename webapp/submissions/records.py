"""What a learner has done at exercises, for the pages above: home and progress. Each a fixed number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from webapp.accounts.models import User
from webapp.catalog.course import course
from webapp.submissions.contexts import CheckView, MetricView, RunRow
from webapp.submissions.metrics import check_views, metric_views
from webapp.submissions.models import Draft, Run, Status, Tier, Verdict
from webapp.submissions.runviews import manifest_of, message_of, run_row, title_and_url
from webapp.submissions.selectors import for_pages


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictRecord:
    """A finished run; `feedback` is the one thing of it that matters most, `metric` what it is about, if it is one."""

    title: str
    exercise_url: str
    row: RunRow
    finished_at: datetime
    feedback: str
    metric: MetricView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LastWork:
    """An exercise that was worked at, and when."""

    exercise: UUID
    at: datetime
    is_draft: bool


def verdict_runs(user: User) -> QuerySet[Run]:
    """Finished runs of own submissions, newest first, with what a row of each needs. Second runs are not told."""
    runs = Run.objects.filter(learner=user, kind=Run.Kind.SUBMISSION, status=Status.DONE, confirms=None)
    return for_pages(runs).order_by("-created_at")


def verdict_records(user: User, limit: int) -> tuple[VerdictRecord, ...]:
    return tuple(verdict_record(run) for run in verdict_runs(user)[:limit])


def verdict_record(run: Run) -> VerdictRecord:
    title, url = title_and_url(run)
    report = run.report or {"metrics": [], "checks": [], "tier": run.tier}
    manifest = manifest_of(run)
    metric = telling_metric(metric_views(report, manifest), run.verdict)
    assert run.finished_at is not None, "a finished run has an end: run_verdict_when_finished"
    return VerdictRecord(
        title=title,
        exercise_url=url,
        row=run_row(run),
        finished_at=run.finished_at,
        feedback=message_of(run) or feedback_of(check_views(report, manifest), metric),
        metric=metric,
    )


def telling_metric(metrics: tuple[MetricView, ...], verdict: str) -> MetricView | None:
    """The metric that misses its mark by most; after a pass one whose distinction is still to be had."""
    missed = [metric for metric in metrics if metric.passed is False]
    if missed:
        return max(missed, key=lambda metric: abs(metric.value_at - (metric.threshold_at or 0.0)))
    if verdict != Verdict.PASSED:
        return None
    graded = [metric for metric in metrics if metric.passed]
    open_ones = [metric for metric in graded if metric.distinction is not None and not metric.is_distinction]
    return next(iter(open_ones or graded), None)


def feedback_of(checks: tuple[CheckView, ...], metric: MetricView | None) -> str:
    """A check that does not hold says it best; a metric says how far it is."""
    told = next((check for check in checks if not check.passed), None)
    if told is not None:
        return told.feedback or _("The check “%(name)s” does not hold.") % {"name": told.title}
    if metric is None:
        return ""
    values = {"name": metric.title, "value": metric.value_text, "mark": metric.threshold_text}
    if not metric.passed:
        return _("%(name)s is %(value)s; to pass it must be %(mark)s.") % values
    if metric.distinction is None or metric.is_distinction:
        return _("%(name)s is %(value)s; the pass mark is %(mark)s.") % values
    return _("%(name)s is %(value)s; for a distinction it must be %(best)s.") % {
        **values,
        "best": metric.distinction_text,
    }


def last_work(user: User) -> tuple[LastWork, ...]:
    """The newest draft and the newest submission, newest first."""
    draft = Draft.objects.filter(learner=user).order_by("-saved_at").values_list("exercise", "saved_at").first()
    runs = Run.objects.filter(learner=user, kind=Run.Kind.SUBMISSION, confirms=None, regrade=None)
    run = runs.order_by("-created_at").values_list("submission__exercise", "created_at").first()
    found = [LastWork(exercise=row[0], at=row[1], is_draft=row is draft) for row in (draft, run) if row]
    return tuple(sorted(found, key=lambda work: work.at, reverse=True))


def distinctions_of(user: User) -> frozenset[UUID]:
    """Exercises that have a distinction, as confirming.is_distinguished says it of each run."""
    best = Run.objects.filter(learner=user, verdict=Verdict.PASSED, confirms=None, report__distinction=True)
    graded = best.exclude(tier=Tier.SMOKE).filter(submission__isnull=False).order_by()
    twice = Q(confirmations__verdict=Verdict.PASSED, confirmations__report__distinction=True)
    confirmed = graded.filter(twice).values_list("submission__exercise", flat=True).distinct()
    alone = graded.filter(confirmations=None).values_list("submission__exercise", "tier").distinct()
    return frozenset(confirmed) | {exercise for exercise, tier in alone if not needs_second_run(exercise, tier)}


def needs_second_run(exercise: UUID, tier: str) -> bool:
    manifests = (found.manifest for lesson in course().lessons for found in lesson.exercises)
    manifest = next((one for one in manifests if one.id == exercise), None)
    return manifest is not None and tier in manifest.tiers and manifest.confirms(tier)
