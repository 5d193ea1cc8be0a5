"""What grading again changed for a learner: shown on the exercise's page and on the home page until put away."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from itertools import groupby
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from webapp.accounts.models import User
from webapp.submissions.contexts import NoticeRow, RegradeNotice
from webapp.submissions.models import UNMADE, Regrade, Run, Status, Verdict
from webapp.submissions.runviews import TIER_TEXTS, title_and_url

LIMIT = 100  # runs looked at
STANDS = _("The new run did not pass; your pass stands.")


def regrade_notices(request: HttpRequest) -> dict[str, Any]:
    """For every template: `regrade_notices`, read from the database only by the one that uses it."""
    user = getattr(request, "user", None)
    return {"regrade_notices": partial(notices_of, user) if isinstance(user, User) else ()}


def notices_of(user: User, exercise: UUID | None = None) -> tuple[RegradeNotice, ...]:
    """One an order, newest first; of one exercise where it is named."""
    runs = Run.objects.filter(learner=user, regrade__isnull=False, notice_seen_at=None, status=Status.DONE)
    runs = runs.exclude(verdict__in=UNMADE).select_related("regrade", "submission__exercise")
    if exercise is not None:
        runs = runs.filter(submission__exercise=exercise)
    if not runs.exists():  # nearly always, and much cheaper to ask
        return ()
    told = list(runs.defer("log_z", "report").order_by("-regrade", "created_at")[:LIMIT])
    before = best_before(told)
    return tuple(notice(order, list(group), before) for order, group in groupby(told, key=lambda run: run.regrade))


def notice(order: Regrade | None, runs: list[Run], before: dict[UUID, Run]) -> RegradeNotice:
    assert order is not None
    rows = [row for run in runs if (row := notice_row(run, before.get(run.pk))) is not None]
    return RegradeNotice(
        reason=order.reason,
        rows=tuple(rows),
        unchanged=len(runs) - len(rows),
        seen_url=reverse("regrade-seen", args=[order.pk]),
    )


def best_before(runs: Iterable[Run]) -> dict[UUID, Run]:
    """Run → the best that the same submission had at the same tier before it."""
    told = list(runs)
    others = Run.objects.filter(submission__in={run.submission_id for run in told}, confirms=None)
    earlier = [run for run in others.defer("log_z", "report") if run.status == Status.DONE]
    found: dict[UUID, Run] = {}
    for run in told:
        same = [one for one in earlier if (one.submission_id, one.tier) == (run.submission_id, run.tier)]
        older = [one for one in same if one.created_at < run.created_at]
        if older:
            found[run.pk] = max(older, key=merit)
    return found


def merit(run: Run) -> tuple[bool, bool, float]:
    return run.verdict == Verdict.PASSED, run.verdict not in UNMADE, run.score or 0.0


def notice_row(run: Run, before: Run | None) -> NoticeRow | None:
    """None where the learner has what they had: the same verdict, and no better score."""
    had_passed = before is not None and before.verdict == Verdict.PASSED
    lost = had_passed and run.verdict != Verdict.PASSED
    same = before is not None and before.verdict == run.verdict and percent(run) <= percent(before)
    if same and not lost:
        return None
    title, url = title_and_url(run)
    return NoticeRow(
        title=title,
        exercise_url=url,
        tier_text=str(TIER_TEXTS[run.tier]),
        before_text=verdict_text(before) if before else "",
        after_text=verdict_text(run),
        text=str(STANDS) if lost else "",
        run_url=reverse("run", args=[run.pk]),
    )


def verdict_text(run: Run) -> str:
    """ "Passed, 100 %"."""
    label = str(Verdict(run.verdict).label)
    return label if run.score is None else f"{label}, {percent(run)} %"


def percent(run: Run) -> int:
    return round(100 * (run.score or 0.0))
