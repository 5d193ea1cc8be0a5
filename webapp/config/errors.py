"""Answers to requests that are refused before any view sees them, and to those that broke."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse, HttpResponseServerError, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

MIB = 1024**2


def reason(error: Exception | None) -> str:
    if isinstance(error, RequestDataTooBig):
        mib = settings.DATA_UPLOAD_MAX_MEMORY_SIZE // MIB
        return _("What was sent is larger than %(mib)d MiB in all.") % {"mib": mib}
    if isinstance(error, TooManyFieldsSent):
        return _("More than %(fields)d fields were sent.") % {"fields": settings.DATA_UPLOAD_MAX_NUMBER_FIELDS}
    if isinstance(error, TooManyFilesSent):
        return _("Send the text of each file in a field of its own, not as an upload.")
    return _("This request could not be understood.")


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """In the shape of other refused forms, so that a page can show it at the field."""
    text = reason(exception)
    if "application/json" in request.headers.get("Accept", ""):
        status = 400 if text == reason(None) else 422
        return JsonResponse({"errors": {"files": [text]}}, status=status)
    return render(request, "400.html", {"reason": text}, status=400)


def server_error(request: HttpRequest) -> HttpResponse:
    """A page that needs nothing of what may be broken: no database, no session, no built front end."""
    nonce = getattr(request, "csp_nonce", "")  # its own style is allowed by it
    return HttpResponseServerError(render_to_string("500.html", {"nonce": nonce}))
