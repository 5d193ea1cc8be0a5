"""Reads for the pages of exercises and runs. What they return is described in contexts.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Max, Prefetch, Q, QuerySet
from django.http import Http404
from django.urls import reverse

from lessons.loader import Exercise
from webapp.accounts.models import User
from webapp.catalog import course as catalog_course
from webapp.catalog.markdown import render
from webapp.catalog.parts import CellPlace, cell_place
from webapp.catalog.progress import ExerciseProgress
from webapp.catalog.selectors import lesson_card, lesson_find
from webapp.submissions.addresses import ws_url
from webapp.submissions.attempts import attempts_text, own_waiting_runs
from webapp.submissions.confirming import confirmed_runs, submission_confirmed
from webapp.submissions.contexts import Allowance, DraftState, EditorFile, ExerciseContext, RunPageContext, RunRow
from webapp.submissions.drafts import draft_find
from webapp.submissions.editing import Start, editor_files, newest_submission, solution_files, start_of, stored_files
from webapp.submissions.keptlog import unpack
from webapp.submissions.models import UNMADE, Draft, Run, Status, Submission, Tier, Verdict
from webapp.submissions.notices import notices_of
from webapp.submissions.quotas import gpu_quota
from webapp.submissions.regrading import graded_runs
from webapp.submissions.runviews import run_row, run_view
from webapp.submissions.tiers import tier_infos

__all__ = ["confirmed_runs", "run_view", "submission_confirmed", "ws_url"]
HISTORY = 20
Person = User | AnonymousUser


def exercise_find(lesson: str, slug: str) -> Exercise | None:
    return catalog_course.exercise_find(lesson, slug)


def cell_find(lesson: str, index: int) -> CellPlace | None:
    found = lesson_find(lesson)
    return cell_place(found, index) if found else None


def progress_of_learner(user: User) -> Mapping[UUID, ExerciseProgress]:
    """Registered with the catalog. Tries at the smoke tier count as started, never as passed."""
    runs = Run.objects.filter(learner=user, submission__isnull=False).order_by()
    graded = ~Q(tier="smoke") & Q(confirms__isnull=True)
    rows = runs.values("submission__exercise").annotate(
        best=Max("score", filter=graded),
        passes=Count("pk", filter=graded & Q(verdict=Verdict.PASSED)),
        tries=Count("pk", filter=graded & Q(regrade=None, status=Status.DONE) & ~Q(verdict__in=UNMADE)),
    )
    return {
        row["submission__exercise"]: ExerciseProgress(
            passed=row["passes"] > 0,
            best=None if row["best"] is None else round(100 * row["best"]),
            tries=row["tries"],
        )
        for row in rows
    }


def has_passed(user: Person, exercise: Exercise) -> bool:
    """As `progress_of_learner` counts it."""
    if not isinstance(user, User):
        return False
    passes = Run.objects.filter(learner=user, submission__exercise=exercise.manifest.id, verdict=Verdict.PASSED)
    return passes.filter(confirms=None).exclude(tier=Tier.SMOKE).exists()


def is_pass(run: Run) -> bool:
    return run.verdict == Verdict.PASSED and not run.is_confirmation and run.tier != Tier.SMOKE


def runs_of(exercise: Exercise, user: Person) -> QuerySet[Run]:
    if not isinstance(user, User):
        return Run.objects.none()
    runs = Run.objects.filter(learner=user, submission__exercise=exercise.manifest.id)
    return for_pages(runs)


def for_pages(runs: QuerySet[Run]) -> QuerySet[Run]:
    """With all that a row or a view of each needs."""
    second = Prefetch("confirmations", queryset=Run.objects.defer("log_z"))
    return runs.select_related("submission__exercise", "learner").prefetch_related(second).defer("log_z")


def history_rows(lesson: str, slug: str, *, user: Person) -> tuple[RunRow, ...] | None:
    exercise = exercise_find(lesson, slug)
    if exercise is None:
        return None
    return tuple(run_row(run) for run in runs_of(exercise, user)[:HISTORY])


def exercise_context(
    lesson: str, slug: str, *, user: Person, kept: Mapping[str, str], errors: dict[str, list[str]], chosen: str = ""
) -> ExerciseContext | None:
    """`kept` is the text of a form that was not accepted, by file name; `chosen` what the editor is to show instead
    of the newest text: sent, draft, starter, or the id of a submission (see `start_for`).
    """
    exercise, found = exercise_find(lesson, slug), catalog_course.course().lesson(lesson)
    if exercise is None or found is None:
        return None
    manifest, runs = exercise.manifest, list(runs_of(exercise, user)[:HISTORY])
    # The panel of a run tells of its second one, and of those that graded it again.
    latest = next((run for run in runs if not run.is_confirmation and not run.regrade_id), None)
    prompt = render(exercise.prompt)
    passed = any(is_pass(run) for run in runs) or has_passed(user, exercise)
    may_see = passed or (isinstance(user, User) and user.is_teacher)
    url, sent = reverse("exercise", args=[lesson, slug]), newest_submission(runs)
    draft = draft_find(user, exercise) if isinstance(user, User) else None
    start = start_for(exercise, user=user, kept=kept, draft=draft, sent=sent, chosen=chosen)
    compare = reverse("exercise-compare", args=[lesson, slug])
    return ExerciseContext(
        id=str(manifest.id),
        title=manifest.title,
        summary=manifest.summary,
        minutes=manifest.minutes,
        difficulty=manifest.difficulty,
        points=manifest.points,
        prompt_html=prompt.html,
        has_math=prompt.has_math,
        has_mermaid=prompt.has_mermaid,
        lesson=lesson_card(found, {}),
        url=url,
        files=editor_files(exercise, start.texts, errors),
        tiers=tier_infos(exercise),
        submit_url=reverse("submission-create", args=[lesson, slug]),
        allowance=allowance(exercise, user=user) if isinstance(user, User) else None,
        notices=notices_of(user, manifest.id) if isinstance(user, User) else (),
        history_url=reverse("exercise-history", args=[lesson, slug]),
        history=tuple(run_row(run) for run in runs),
        runs_url=reverse("exercise-runs", args=[lesson, slug]),
        latest=run_view(latest, user=user) if latest and isinstance(user, User) else None,
        solution=solution_files(exercise) if may_see else None,
        solution_url=f"{compare}?new=solution" if may_see and sent else "",
        state="passed" if passed else "tried" if runs else "new",
        errors=errors,
        draft=draft_state(exercise, start=start, draft=draft, has_sent=sent is not None) if user.pk else None,
        storage_key=f"rz:{user.pk or 0}:{manifest.id}",
        visitor_key=f"rz:0:{manifest.id}" if user.pk else "",
    )


def start_for(
    exercise: Exercise,
    *,
    user: Person,
    kept: Mapping[str, str],
    draft: Draft | None,
    sent: Submission | None,
    chosen: str,
) -> Start:
    """Raises Http404 for a submission that is not the reader's own."""
    if chosen == "starter" and not kept:
        return Start(texts=exercise.starter, source="starter")
    if chosen == "sent":
        return start_of(exercise, kept=kept, sent=sent)
    if chosen == "draft":
        return start_of(exercise, kept=kept, draft=draft)
    picked = own_submission(exercise, user, chosen) if chosen and not kept else None
    return start_of(exercise, kept=kept, draft=draft, sent=sent, chosen=picked)


def own_submission(exercise: Exercise, user: Person, identity: str) -> Submission:
    try:
        found = Submission.objects.filter(pk=UUID(identity), learner=user.pk, exercise=exercise.manifest.id).first()
    except ValueError:
        found = None
    if found is None:
        raise Http404("There is no such submission of yours.")
    return found


def draft_state(exercise: Exercise, *, start: Start, draft: Draft | None, has_sent: bool) -> DraftState:
    where = [exercise.lesson, exercise.slug]
    url, compare = reverse("exercise", args=where), reverse("exercise-compare", args=where)
    shown = start.source == "draft"
    return DraftState(
        version=draft.version if draft else 0,
        url=reverse("exercise-draft", args=where),
        source=start.source,
        saved_at=draft.saved_at if draft else None,
        sent_url=f"{url}?from=sent" if shown and has_sent else "",
        draft_url=f"{url}?from=draft" if draft and not shown and start.source != "form" else "",
        has_changed=start.content_hash not in ("", exercise.content_hash),
        starter_url=f"{compare}?old=starter" + ("&new=draft" if shown else ""),
    )


def allowance(exercise: Exercise, *, user: User) -> Allowance:
    manifest = exercise.manifest
    quota = gpu_quota(user) if "gpu" in manifest.tiers else None
    return Allowance(
        attempts_text=attempts_text(user, manifest.id),
        gpu_text=quota.text if quota else "",
        can_replace=own_waiting_runs(user, manifest.id).exists(),
        url=reverse("exercise-allowance", args=[exercise.lesson, exercise.slug]),
    )


def submission_context(submission: Submission, *, user: User) -> dict[str, Any]:
    runs = for_pages(submission.runs.all())
    url = reverse("exercise", args=[submission.exercise.lesson, submission.exercise.slug])
    is_mine = submission.learner_id == user.pk
    return {
        "title": submission.exercise.title,
        "files": stored_files(submission),
        "runs": tuple(run_row(run) for run in runs),
        "exercise_url": url,
        "created_at": submission.created_at,
        "learner_name": "" if is_mine else submission.learner.get_full_name(),
        "changes_url": changes_url(submission),
        "use_url": f"{url}?from={submission.pk}" if is_mine else "",
        "regrade_url": regrade_url(submission, user=user),
    }


def changes_url(submission: Submission) -> str:
    """It beside the one before."""
    compare = reverse("exercise-compare", args=[submission.exercise.lesson, submission.exercise.slug])
    return f"{compare}?new={submission.pk}"


def regrade_url(submission: Submission | None, *, user: User) -> str:
    """Where a teacher orders to grade it again; "" for others, and where it was only tried."""
    if submission is None or not user.is_teacher or not graded_runs(submission=submission).exists():
        return ""
    return reverse("submission-regrade", args=[submission.pk])


def run_page_context(run: Run, *, user: User) -> RunPageContext:
    files = stored_files(run.submission) if run.submission else cell_files(run)
    again = regrade_url(run.submission, user=user)
    return RunPageContext(
        run=run_view(run, user=user),
        files=files,
        log_lines=len(unpack(run.log_z)),
        changes_url=changes_url(run.submission) if run.submission else "",
        regrade_url=again,
    )


def cell_files(run: Run) -> tuple[EditorFile, ...]:
    text = run.cell_sources[-1]
    return (EditorFile(name="cell.py", field="", language="python", content=text, starter=text, readonly=True),)
