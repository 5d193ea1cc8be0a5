"""/metrics, for a Prometheus on this machine or one that has the token."""

from __future__ import annotations

from hmac import compare_digest
from ipaddress import ip_address

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client.exposition import choose_encoder

from webapp.submissions.operations.exposition import METRICS

FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via")


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """404 for whoever may not read them."""
    if not may_read_metrics(request):
        raise Http404("There is no such page.")
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(METRICS), content_type=content_type)


def may_read_metrics(request: HttpRequest) -> bool:
    """The bearer of RANKZERO_METRICS_TOKEN; without one, programs of this machine, if no proxy stands before us."""
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        return compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    came_by_proxy = settings.PROXIES or any(name in request.headers for name in FORWARDED)
    return not came_by_proxy and is_loopback(request.META.get("REMOTE_ADDR", ""))


def is_loopback(address: str) -> bool:
    """False where a server tells no address, as behind a Unix socket: a proxy is at its other end."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
