"""A run as pages show it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from grader.verdict import UNDER_REVIEW
from lessons.schema import Manifest
from webapp.accounts.models import User
from webapp.catalog.course import course
from webapp.submissions.addresses import ws_url
from webapp.submissions.confirming import confirmation_view, is_distinguished
from webapp.submissions.contexts import HintView, ReviewRow, RunRow, RunView
from webapp.submissions.estimates import duration_text, queue_place
from webapp.submissions.metrics import check_views, metric_views
from webapp.submissions.models import UNMADE, Review, Run, Status, Tier, Verdict

TIER_TEXTS = {"smoke": gettext_lazy("Try"), "cpu": gettext_lazy("Submit"), "gpu": gettext_lazy("Submit to GPU")}


def run_row(run: Run) -> RunRow:
    took = (run.finished_at - run.started_at).total_seconds() if run.finished_at and run.started_at else None
    return RunRow(
        id=str(run.pk),
        url=reverse("run", args=[run.pk]),
        tier=run.tier,
        tier_text=tier_text(run),
        status=run.status,
        status_text=str(Status(run.status).label),
        verdict=run.verdict,
        verdict_text=str(Verdict(run.verdict).label) if run.verdict else "",
        score_percent=None if run.score is None else round(100 * run.score),
        distinction=is_distinguished(run),
        created_at=run.created_at,
        duration_text=duration_text(took),
    )


def tier_text(run: Run) -> str:
    if run.kind == Run.Kind.CELL:
        return _("Cell")
    if run.is_confirmation:
        return _("Second run")
    return _("Graded again") if run.regrade_id else str(TIER_TEXTS[run.tier])


def may_run_again(run: Run, user: User) -> bool:
    """An own submission's first run that ended without saying anything of the files."""
    own = run.learner_id == user.pk and run.submission_id is not None
    return own and run.verdict in UNMADE and not run.is_confirmation and run.regrade_id is None


def can_cancel(run: Run) -> bool:
    """As queue.run_cancel does it."""
    begun = run.is_confirmation and run.status == Status.RUNNING
    return not (run.is_finished or run.cancel_requested or begun)


def manifest_of(run: Run) -> Manifest | None:
    if run.submission is None:
        return None
    mirror = run.submission.exercise
    found = course().exercise(mirror.lesson, mirror.slug)
    return found.manifest if found else None


def title_and_url(run: Run) -> tuple[str, str]:
    if run.submission is None:
        return _("Cell {number}").format(number=run.cell_index + 1), reverse("lesson", args=[run.cell_lesson])
    mirror = run.submission.exercise
    return mirror.title, reverse("exercise", args=[mirror.lesson, mirror.slug])


def run_view(run: Run, *, user: User) -> RunView:
    report: dict[str, Any] = run.report or {"metrics": [], "checks": [], "tier": run.tier}
    manifest = manifest_of(run)
    title, url = title_and_url(run)
    return RunView(
        row=run_row(run),
        kind=run.kind,
        title=title,
        exercise_url=url,
        learner_name=run.learner.get_full_name(),
        is_mine=run.learner_id == user.pk,
        is_finished=run.is_finished,
        can_cancel=can_cancel(run),
        spoken_text=spoken_text(run),
        message=message_of(run),
        tries=run.tries,
        place=queue_place(run),
        confirmation=confirmation_view(run, is_mine=run.learner_id == user.pk),
        confirms_url=reverse("run", args=[run.confirms_id]) if run.confirms_id else "",
        regrade_reason=run.regrade.reason if run.regrade else "",
        regrades=regrades_of(run),
        review=review_of(run),
        metrics=metric_views(report, manifest),
        checks=check_views(report, manifest),
        hint=first_hint(report.get("hints", [])),
        usage_text=usage_text(report.get("usage")),
        url=reverse("run", args=[run.pk]),
        panel_url=reverse("run-panel", args=[run.pk]),
        log_url=reverse("run-log", args=[run.pk]),
        cancel_url=reverse("run-cancel", args=[run.pk]),
        again_url=again_url(run, user),
        files_url=reverse("submission-files", args=[run.submission_id]) if run.submission_id else "",
        ws_url=ws_url(run),
    )


def spoken_text(run: Run) -> str:
    if not run.verdict:
        return ""
    row = run_row(run)
    parts = [f"{row.tier_text}: {row.verdict_text}"]
    if row.score_percent is not None:
        parts.append(_("score {percent} percent").format(percent=row.score_percent))
    if row.distinction:
        parts.append(_("with distinction"))
    return ", ".join(parts) + "."


def first_hint(texts: Sequence[str]) -> HintView | None:
    hint = None
    for number, text in reversed(list(enumerate(texts, 1))):
        hint = HintView(number=number, count=len(texts), text=text, next=hint)
    return hint


def again_url(run: Run, user: User) -> str:
    """As services.run_again does it."""
    return reverse("run-again", args=[run.pk]) if may_run_again(run, user) else ""


def message_of(run: Run) -> str:
    if run.cancel_requested and not run.is_finished:
        return _("Cancelling…")
    if run.tier == Tier.SMOKE and run.message.endswith(UNDER_REVIEW):
        return run.message.removesuffix(UNDER_REVIEW) + _("A Try counts for nothing, so nobody reviews it.")
    return run.message


def regrades_of(run: Run) -> tuple[RunRow, ...]:
    if run.submission_id is None or run.is_confirmation or run.regrade_id or run.tier == Tier.SMOKE:
        return ()
    again = Run.objects.filter(submission=run.submission_id, tier=run.tier, regrade__isnull=False, confirms=None)
    # The status is looked at here: SQLite would search by it, through all runs that were ever made.
    done = [one for one in again.defer("log_z") if one.status == Status.DONE and one.verdict != Verdict.INFRA_ERROR]
    return tuple(run_row(one) for one in done)


def review_of(run: Run) -> ReviewRow | None:
    """Only a run that was measured as too good to be true can have one."""
    if (run.report or {}).get("verdict") != Verdict.UNDER_REVIEW:
        return None
    found = Review.objects.filter(run=run).first()
    return review_row(found, run) if found else None


def review_row(review: Review, run: Run) -> ReviewRow:
    return ReviewRow(
        title=title_and_url(run)[0],
        learner_name=run.learner.get_full_name(),
        run_url=reverse("run", args=[run.pk]),
        decision=review.decision,
        decision_text=str(Review.Decision(review.decision).label),
        reason=review.reason,
        reviewer_name=review.reviewer_name,
        decided_at=review.decided_at,
    )


def usage_text(usage: dict[str, float] | None) -> str:
    if not usage:
        return ""
    peak, vram = usage["peak_memory_bytes"] / 1024**2, usage.get("peak_vram_bytes", 0) / 1024**2
    text = _("{cpu:.1f} s of CPU in {wall:.1f} s; at most {peak:.0f} MiB of memory")
    text = text.format(cpu=usage["cpu_s"], wall=usage["wall_s"], peak=peak)
    return _("{text} and {vram:.0f} MiB on the GPU").format(text=text, vram=vram) if vram else text
