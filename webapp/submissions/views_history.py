"""A learner's runs over time, and two versions beside each other."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from webapp.submissions import selectors_history
from webapp.submissions.access import learner_required, signed_in


@require_safe
@never_cache
@learner_required
def runs(request: HttpRequest, lesson: str, exercise: str) -> HttpResponse:
    """Context: page (RunsPage). `?tier=` narrows it, `?page=` turns it."""
    page = selectors_history.runs_page(
        lesson,
        exercise,
        user=signed_in(request),
        tier=request.GET.get("tier", ""),
        number=request.GET.get("page", "1"),
    )
    if page is None:
        raise Http404("There is no such exercise.")
    return render(request, "submissions/runs.html", {"page": page})


@require_safe
@never_cache
@learner_required
def compare(request: HttpRequest, lesson: str, exercise: str) -> HttpResponse:
    """Context: page (ComparePage). `?old=` and `?new=` name the two versions (see the selector)."""
    page = selectors_history.compare_page(
        lesson,
        exercise,
        user=signed_in(request),
        old=request.GET.get("old", ""),
        new=request.GET.get("new", ""),
    )
    if page is None:
        raise Http404("There is no such exercise.")
    return render(request, "submissions/compare.html", {"page": page})
