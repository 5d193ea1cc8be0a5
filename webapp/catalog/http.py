"""Small answers that several apps give."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.http import HttpRequest, JsonResponse


def wants_json(request: HttpRequest) -> bool:
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def json_errors(error: ValidationError) -> JsonResponse:
    return JsonResponse({"errors": error.message_dict}, status=422)
