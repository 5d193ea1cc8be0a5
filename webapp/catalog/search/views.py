"""Search and the palette's commands. Each view: parse, one selector, respond."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from webapp.catalog.http import wants_json
from webapp.catalog.search.finding import answer_json, find, suggestions
from webapp.catalog.search.index import refresh_ask
from webapp.catalog.search.palette import palette_json

IN_PALETTE = 8


@require_safe
def search(request: HttpRequest) -> HttpResponseBase:
    """Context: answer (Answer), suggestions (Suggestion, only when nothing was found). Or JSON: see answer_json."""
    refresh_ask()
    query, kind = request.GET.get("q", ""), request.GET.get("kind", "")
    response = as_json(query) if wants_json(request) else as_page(request, query, kind)
    patch_vary_headers(response, ["Accept"])
    return response


def as_json(query: str) -> HttpResponse:
    return JsonResponse(answer_json(find(query, per_page=IN_PALETTE)))


def as_page(request: HttpRequest, query: str, kind: str) -> HttpResponse:
    answer = find(query, kind=kind, page=page_number(request.GET.get("page", "")))
    context = {"answer": answer, "suggestions": () if answer.total else suggestions()}
    return render(request, "catalog/search.html", context)


def page_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 5 else 1


@never_cache
@require_safe
def commands(request: HttpRequest) -> HttpResponseBase:
    """JSON: {"commands": [PaletteCommand, ..]} for the person who asks."""
    return JsonResponse(palette_json(request))
