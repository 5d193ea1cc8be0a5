"""Reads for the pages of exercises and runs. What they return is described in contexts.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Max, Prefetch, Q, QuerySet
from django.urls import reverse

from lessons.loader import Exercise
from webapp.accounts.models import User
from webapp.catalog import course as catalog_course
from webapp.catalog.markdown import render
from webapp.catalog.parts import CellPlace, cell_place
from webapp.catalog.progress import ExerciseProgress
from webapp.catalog.selectors import lesson_cards, lesson_find
from webapp.submissions.addresses import ws_url
from webapp.submissions.attempts import attempts_text, own_waiting_runs
from webapp.submissions.confirming import confirmed_runs, submission_confirmed
from webapp.submissions.contexts import Allowance, EditorFile, ExerciseContext, RunPageContext, RunRow
from webapp.submissions.editing import editor_files, solution_files, starting_texts, stored_files
from webapp.submissions.keptlog import unpack
from webapp.submissions.models import UNMADE, Run, Status, Submission, Verdict
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
    lesson: str, slug: str, *, user: Person, kept: Mapping[str, str], errors: dict[str, list[str]]
) -> ExerciseContext | None:
    """`kept` is the text of a form that was not accepted, by file name."""
    exercise = exercise_find(lesson, slug)
    if exercise is None:
        return None
    manifest, runs = exercise.manifest, list(runs_of(exercise, user)[:HISTORY])
    # The panel of a run tells of its second one, and of those that graded it again.
    latest = next((run for run in runs if not run.is_confirmation and not run.regrade_id), None)
    prompt = render(exercise.prompt)
    progress = progress_of_learner(user).get(manifest.id) if isinstance(user, User) else None
    passed = progress is not None and progress.passed
    may_see = passed or (isinstance(user, User) and user.is_teacher)
    url = reverse("exercise", args=[lesson, slug])
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
        lesson=next(card for card in lesson_cards(user) if card.slug == lesson),
        url=url,
        files=editor_files(exercise, starting_texts(exercise, runs, kept), errors),
        tiers=tier_infos(exercise),
        submit_url=reverse("submission-create", args=[lesson, slug]),
        allowance=allowance(exercise, user=user) if isinstance(user, User) else None,
        notices=notices_of(user, manifest.id) if isinstance(user, User) else (),
        history_url=reverse("exercise-history", args=[lesson, slug]),
        history=tuple(run_row(run) for run in runs),
        latest=run_view(latest, user=user) if latest and isinstance(user, User) else None,
        solution=solution_files(exercise) if may_see else None,
        state="passed" if passed else "tried" if progress else "new",
        errors=errors,
        storage_key=f"rz:{user.pk or 0}:{manifest.id}:{exercise.content_hash[:12]}",
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
    return {
        "title": submission.exercise.title,
        "files": stored_files(submission),
        "runs": tuple(run_row(run) for run in runs),
        "exercise_url": reverse("exercise", args=[submission.exercise.lesson, submission.exercise.slug]),
        "regrade_url": regrade_url(submission, user=user),
    }


def regrade_url(submission: Submission | None, *, user: User) -> str:
    """Where a teacher orders to grade it again; "" for others, and where it was only tried."""
    if submission is None or not user.is_teacher or not graded_runs(submission=submission).exists():
        return ""
    return reverse("submission-regrade", args=[submission.pk])


def run_page_context(run: Run, *, user: User) -> RunPageContext:
    files = stored_files(run.submission) if run.submission else cell_files(run)
    again = regrade_url(run.submission, user=user)
    return RunPageContext(
        run=run_view(run, user=user), files=files, log_lines=len(unpack(run.log_z)), regrade_url=again
    )


def cell_files(run: Run) -> tuple[EditorFile, ...]:
    text = run.cell_sources[-1]
    return (EditorFile(name="cell.py", field="", language="python", content=text, starter=text, readonly=True),)
