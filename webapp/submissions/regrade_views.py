"""Grading again: the instructor's order, and the learner's notice of it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from webapp.submissions import regrading, selectors
from webapp.submissions.access import learner_required, signed_in, submission_or_404, teacher_required


@require_POST
@teacher_required
def submission_regrade(request: HttpRequest, submission: UUID) -> HttpResponseBase:
    """Field: reason."""
    user, reason = signed_in(request), request.POST.get("reason", "")
    found = submission_or_404(submission, user)
    try:
        regrading.regrade_create(reason=reason, submission=found, requested_by=user)
    except ValidationError as error:
        context = {**selectors.submission_context(found, user=user), "reason": reason, "errors": error.message_dict}
        return render(request, "submissions/files.html", context, status=422)
    messages.success(request, _("It is graded again, behind everybody's first runs. The learner is told what changed."))
    return redirect("submission-files", found.pk)


@require_POST
@learner_required
def regrade_seen(request: HttpRequest, regrade: int) -> HttpResponseBase:
    """Field: next, the page to go back to."""
    regrading.notices_put_away(user=signed_in(request), regrade=regrade)
    back = request.POST.get("next", "")
    here = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return redirect(back if here else "home")
