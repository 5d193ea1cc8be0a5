"""Runs that were too good to be true, as an instructor sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from webapp.accounts.models import User
from webapp.submissions.contexts import AlarmView, ReviewItem, ReviewPage
from webapp.submissions.editing import stored_files
from webapp.submissions.metrics import bound_text, title_of, with_unit
from webapp.submissions.models import Review, Run, Tier, Verdict
from webapp.submissions.runviews import review_row, tier_text, title_and_url

SHOWN = 25
DECIDED = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A form that was not taken: what was typed, and why."""

    run: UUID
    reason: str
    errors: dict[str, list[str]]


def waiting_runs() -> QuerySet[Run]:
    """A Try counts for nothing, so nobody decides about it."""
    return Run.objects.filter(verdict=Verdict.UNDER_REVIEW).exclude(tier=Tier.SMOKE)


def reviews_waiting(request: HttpRequest) -> dict[str, int]:
    """For every template: `reviews_waiting`, which only instructors are given."""
    user = getattr(request, "user", None)
    return {"reviews_waiting": waiting_runs().count()} if isinstance(user, User) and user.is_teacher else {}


def review_page(*, user: User, kept: Kept | None = None) -> ReviewPage:
    """The oldest runs that wait, and the newest decisions."""
    runs = waiting_runs().select_related("submission__exercise", "learner").prefetch_related("submission__files")
    runs = runs.defer("log_z").order_by("finished_at")
    decided = Review.objects.select_related("run__submission__exercise", "run__learner").defer("run__log_z")
    return ReviewPage(
        waiting=runs.count(),
        items=tuple(review_item(run, user=user, kept=kept) for run in runs[:SHOWN]),
        decided=tuple(review_row(review, review.run) for review in decided[:DECIDED]),
    )


def review_item(run: Run, *, user: User, kept: Kept | None) -> ReviewItem:
    assert run.submission is not None
    assert run.finished_at is not None
    mine = kept if kept and kept.run == run.pk else None
    return ReviewItem(
        id=str(run.pk),
        title=title_and_url(run)[0],
        tier_text=tier_text(run),
        learner_name=run.learner.get_full_name(),
        finished_at=run.finished_at,
        message=run.message,
        alarms=tuple(alarm_view(one) for one in (run.report or {}).get("metrics", []) if is_beyond(one)),
        files=stored_files(run.submission),
        run_url=reverse("run", args=[run.pk]),
        decide_url="" if run.learner_id == user.pk else reverse("review-decide", args=[run.pk]),
        reason=mine.reason if mine else "",
        errors=mine.errors if mine else {},
    )


def is_beyond(metric: dict[str, Any]) -> bool:
    """Whether a metric of a stored Report is better than its physical limit."""
    limit = metric.get("ceiling")
    if limit is None:
        return False
    return bool(metric["value"] < limit if metric["direction"] == "lower" else metric["value"] > limit)


def alarm_view(metric: dict[str, Any]) -> AlarmView:
    """A ceiling bounds from the other side than a threshold."""
    return AlarmView(
        title=title_of(metric["name"]),
        value_text=with_unit(metric["value"], metric["unit"]),
        ceiling_text=bound_text(
            metric["ceiling"], "higher" if metric["direction"] == "lower" else "lower", metric["unit"]
        ),
    )
