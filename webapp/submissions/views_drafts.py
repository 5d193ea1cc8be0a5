"""Keeping what is being written."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_POST

from webapp.catalog.http import json_errors, wants_json
from webapp.submissions.access import learner_required, signed_in
from webapp.submissions.drafts import Saved, draft_save
from webapp.submissions.selectors import exercise_find
from webapp.submissions.views import exercise_page, sent_files

NEWER = gettext_noop("A newer draft of this exercise was saved elsewhere, in another tab or on another device.")


@require_POST
@learner_required
def draft(request: HttpRequest, lesson: str, exercise: str) -> HttpResponseBase:
    """Fields: version (of the draft that the page knows, 0 for none) and file:<name>.

    JSON {"version", "saved_at"}; 409 with the kept "files" as well where another page saved a newer one: sent again
    with that version, it is replaced. A form gets a redirect, or its page again.
    """
    found = exercise_find(lesson, exercise)
    if found is None:
        raise Http404("There is no such exercise.")
    files = sent_files(request)
    try:
        saved = draft_save(
            learner=signed_in(request), exercise=found, files=files, version=request.POST.get("version", "")
        )
    except ValidationError as error:
        if wants_json(request):
            return json_errors(error)
        return exercise_page(request, lesson, exercise, kept=files, error=error)
    if wants_json(request):
        return draft_json(saved)
    if saved.taken:
        messages.success(request, _("Your draft is saved."))
        return redirect("exercise", lesson, exercise)
    text = _("Nothing was replaced yet. Save once more to replace it by what is here.")
    newer = ValidationError({"files": [_(NEWER), text]})
    return exercise_page(request, lesson, exercise, kept=files, error=newer)


def draft_json(saved: Saved) -> JsonResponse:
    body = {"version": saved.draft.version, "saved_at": saved.draft.saved_at.isoformat()}
    if saved.taken:
        return JsonResponse(body)
    return JsonResponse(body | {"files": saved.draft.texts, "errors": {"version": [_(NEWER)]}}, status=409)
