"""Answers to requests that are refused before any view sees them."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse, JsonResponse

MIB = 1024**2


def reason(error: Exception | None) -> str:
    if isinstance(error, RequestDataTooBig):
        return f"What was sent is larger than {settings.DATA_UPLOAD_MAX_MEMORY_SIZE // MIB} MiB in all."
    if isinstance(error, TooManyFieldsSent):
        return f"More than {settings.DATA_UPLOAD_MAX_NUMBER_FIELDS} fields were sent."
    if isinstance(error, TooManyFilesSent):
        return "Send the text of each file in a field of its own, not as an upload."
    return "This request could not be understood."


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """In the shape of other refused forms, so that a page can show it at the field."""
    text = reason(exception)
    if "application/json" in request.headers.get("Accept", ""):
        status = 400 if text == reason(None) else 422
        return JsonResponse({"errors": {"files": [text]}}, status=status)
    return HttpResponse(f"{text} Nothing was stored. Go back and try again.\n", status=400, content_type="text/plain")
