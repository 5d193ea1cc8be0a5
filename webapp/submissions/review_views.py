"""The instructors' list of runs that were too good to be true."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from webapp.submissions import reviewing, services
from webapp.submissions.access import run_or_404, signed_in, teacher_required


@require_safe
@never_cache
@teacher_required
def reviews(request: HttpRequest) -> HttpResponse:
    """Context: page (ReviewPage)."""
    page = reviewing.review_page(user=signed_in(request))
    return render(request, "submissions/review.html", {"page": page})


@require_POST
@teacher_required
def review_decide(request: HttpRequest, run: UUID) -> HttpResponseBase:
    """Fields: decision (accepted or failed), reason."""
    user, reason = signed_in(request), request.POST.get("reason", "")
    found = run_or_404(run, user)
    try:
        services.review_decide(run=found, reviewer=user, decision=request.POST.get("decision", ""), reason=reason)
    except ValidationError as error:
        kept = reviewing.Kept(run=found.pk, reason=reason, errors=error.message_dict)
        page = reviewing.review_page(user=user, kept=kept)
        return render(request, "submissions/review.html", {"page": page, "kept": kept}, status=422)
    messages.success(request, _("Decided. The learner sees it with your reason."))
    return redirect("reviews")
