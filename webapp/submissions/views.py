"""Exercises, submissions and runs. Each view: authenticate, parse, one service or selector, respond."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from webapp.catalog.http import json_errors, wants_json
from webapp.submissions import selectors, services
from webapp.submissions.access import learner_required, run_or_404, signed_in, submission_or_404
from webapp.submissions.keptlog import as_text, unpack
from webapp.submissions.models import Run


@require_safe
def exercise(request: HttpRequest, lesson: str, exercise: str) -> HttpResponse:
    """Context: page (ExerciseContext). Anyone may read; only who is signed in may submit.

    `?from=` puts another version into the editor: sent, draft, starter, or the id of an own submission.
    """
    return exercise_page(request, lesson, exercise)


def exercise_page(
    request: HttpRequest, lesson: str, slug: str, *, kept: dict[str, str] | None = None, error: Any = None
) -> HttpResponse:
    page = selectors.exercise_context(
        lesson,
        slug,
        user=request.user,
        kept=kept or {},
        errors=error.message_dict if error else {},
        chosen=request.GET.get("from", ""),
    )
    if page is None:
        raise Http404("There is no such exercise.")
    return render(request, "submissions/exercise.html", {"page": page}, status=422 if error else 200)


@require_safe
@never_cache
@learner_required
def history(request: HttpRequest, lesson: str, exercise: str) -> HttpResponse:
    """Context: history (tuple of RunRow)."""
    rows = selectors.history_rows(lesson, exercise, user=signed_in(request))
    if rows is None:
        raise Http404("There is no such exercise.")
    return render(request, "submissions/_history.html", {"history": rows})


@require_safe
@never_cache
@learner_required
def allowance(request: HttpRequest, lesson: str, exercise: str) -> HttpResponse:
    """Context: allowance (Allowance)."""
    found = selectors.exercise_find(lesson, exercise)
    if found is None:
        raise Http404("There is no such exercise.")
    context = {"allowance": selectors.allowance(found, user=signed_in(request))}
    return render(request, "submissions/_allowance.html", context)


@require_POST
@learner_required
def submission_create(request: HttpRequest, lesson: str, exercise: str) -> HttpResponseBase:
    """Fields: file:<name> for each editable file, tier, and optionally replace=1 (see the service)."""
    found = selectors.exercise_find(lesson, exercise)
    if found is None:
        raise Http404("There is no such exercise.")
    files = sent_files(request)
    try:
        run = services.submission_create(
            learner=signed_in(request),
            exercise=found,
            files=files,
            tier=request.POST.get("tier", ""),
            replace=request.POST.get("replace") == "1",
        )
    except ValidationError as error:
        if wants_json(request):
            return json_errors(error)
        return exercise_page(request, lesson, exercise, kept=files, error=error)
    return run_created(request, run)


@require_POST
@learner_required
def cell_run(request: HttpRequest, lesson: str, index: int) -> HttpResponseBase:
    """Fields: code, and optionally cell:<index> for each earlier cell of the session."""
    found = selectors.cell_find(lesson, index)
    if found is None:
        raise Http404("There is no such cell.")
    try:
        run = services.cell_run_create(
            learner=signed_in(request), cell=found, code=request.POST.get("code", ""), edited=fields(request, "cell:")
        )
    except ValidationError as error:
        return json_errors(error)
    return run_created(request, run)


def fields(request: HttpRequest, prefix: str) -> dict[str, str]:
    return {field: str(text) for field, text in request.POST.items() if field.startswith(prefix)}


def sent_files(request: HttpRequest) -> dict[str, str]:
    return {field.removeprefix("file:"): text for field, text in fields(request, "file:").items()}


def run_created(request: HttpRequest, run: Run) -> HttpResponseBase:
    url = reverse("run", args=[run.id])
    if not wants_json(request):
        return redirect(url)
    panel = reverse("run-panel", args=[run.id])
    body = {"run": str(run.id), "url": url, "panel_url": panel, "ws_url": selectors.ws_url(run)}
    return JsonResponse(body, status=201)


@require_safe
@never_cache
@learner_required
def submission_files(request: HttpRequest, submission: UUID) -> HttpResponse:
    """Context: title, files (tuple of EditorFile), runs (tuple of RunRow), exercise_url, regrade_url."""
    found = submission_or_404(submission, signed_in(request))
    return render(request, "submissions/files.html", selectors.submission_context(found, user=signed_in(request)))


@require_safe
@never_cache
@learner_required
def run_page(request: HttpRequest, run: UUID) -> HttpResponse:
    """Context: page (RunPageContext)."""
    user = signed_in(request)
    page = selectors.run_page_context(run_or_404(run, user), user=user)
    return render(request, "submissions/run.html", {"page": page})


@require_safe
@never_cache
@learner_required
def run_panel(request: HttpRequest, run: UUID) -> HttpResponse:
    """Context: run (RunView)."""
    user = signed_in(request)
    view = selectors.run_view(run_or_404(run, user), user=user)
    return render(request, "submissions/_run_panel.html", {"run": view})


@require_safe
@never_cache
@learner_required
def run_log(request: HttpRequest, run: UUID) -> HttpResponse:
    found = run_or_404(run, signed_in(request))
    response = HttpResponse(as_text(unpack(found.log_z)), content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="run-{found.id}.log"'
    return response


@require_safe
@never_cache
@learner_required
def run_report(request: HttpRequest, run: UUID) -> HttpResponse:
    """The Report as JSON; 404 while there is none."""
    report = run_or_404(run, signed_in(request)).report
    if report is None:
        raise Http404("This run has no report.")
    return JsonResponse(report)


@require_POST
@learner_required
def run_confirm(request: HttpRequest, run: UUID) -> HttpResponseBase:
    """Ask for the second run of one's own pass, where it is missing or came to no end. Redirects to the pass."""
    found = run_or_404(run, signed_in(request))
    if found.learner_id != signed_in(request).pk:
        raise Http404("There is no such run of yours.")
    services.confirmation_create(run=found)
    return redirect("run", found.id)


@require_POST
@learner_required
def run_again(request: HttpRequest, run: UUID) -> HttpResponseBase:
    """The same files once more, after a run that came to nothing. JSON or a redirect, as for a submission."""
    found = run_or_404(run, signed_in(request))
    try:
        fresh = services.run_again(run=found, learner=signed_in(request))
    except ValidationError as error:
        if wants_json(request):
            return json_errors(error)
        for text in error.messages:
            messages.error(request, text)
        return redirect("run", found.id)
    return run_created(request, fresh)


@require_POST
@learner_required
def run_cancel(request: HttpRequest, run: UUID) -> HttpResponseBase:
    """JSON {"status": …} or a redirect to the run."""
    found = services.run_cancel(run=run_or_404(run, signed_in(request)))
    if wants_json(request):
        return JsonResponse({"status": found.status})
    return redirect("run", found.id)
