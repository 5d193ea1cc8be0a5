"""The site's addresses, and the bare view: what no page of this server, with this middleware, can be faster than."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path

from webapp.config import urls as site

handler400 = site.handler400


def bare(request: HttpRequest) -> HttpResponse:
    return HttpResponse("bare")


urlpatterns = [path("bare", bare), *site.urlpatterns]
