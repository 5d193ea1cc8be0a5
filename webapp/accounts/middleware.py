"""What a person chose for all pages: language and time zone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone, translation

from webapp.accounts.models import User


class PreferencesMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or not isinstance(request.user, User):
            return self.get_response(request)
        with ExitStack() as stack:
            if request.user.time_zone:
                stack.enter_context(timezone.override(request.user.time_zone))
            if request.user.language in dict(settings.LANGUAGES):
                stack.enter_context(translation.override(request.user.language))
                request.LANGUAGE_CODE = request.user.language
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", translation.get_language() or settings.LANGUAGE_CODE)
            return response
