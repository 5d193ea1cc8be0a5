"""The texts of scripts in a page's language. English needs none: it stands in the sources."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_cache_control
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_safe
from django.views.i18n import JavaScriptCatalog
from typing_extensions import override

AN_HOUR = 3600


@method_decorator(require_safe, name="dispatch")
class ScriptTexts(JavaScriptCatalog):
    """The catalogue of one language that this site offers, as a script that lib/i18n.ts reads."""

    @override
    def get(self, request: HttpRequest, language: str) -> HttpResponse:
        if language not in dict(settings.LANGUAGES):
            raise Http404
        with translation.override(language):
            response: HttpResponse = super().get(request)
        patch_cache_control(response, public=True, max_age=AN_HOUR)
        return response
