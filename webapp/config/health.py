"""healthz: the process answers. readyz: it can do its work, or the line says what is missing.

Whether workers are there and how long runs wait is told, too, but a site without a worker still serves lessons and
takes submissions: a load balancer must not take it out for that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from webapp.submissions.operations.figures import figures


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    parts = {name: probe(check) for name, check in CHECKS.items()}
    ready = all(answer == "ok" for answer in parts.values())
    told = work() if parts["database"] == parts["migrations"] == "ok" else {}
    return JsonResponse({"ready": ready, **parts, **told}, status=200 if ready else 503)


def work() -> dict[str, Any]:
    """`workers`: "ok", or which queues of this site nobody serves. `queue`: how much waits, and for how long."""
    found = figures()
    unserved = [queue for queue in settings.TIERS if not found.queues[queue].slots]
    waiting = sum(one.depth for one in found.queues.values())
    return {
        "workers": f"none for {', '.join(unserved)}" if unserved else "ok",
        "queue": {"waiting": waiting, "oldest_wait_s": round(found.oldest_wait_s, 1)},
    }


def probe(check: Callable[[], str]) -> str:
    """The kind of failure only: addresses and passwords of services stay in the log."""
    try:
        return check()
    except (DatabaseError, redis.RedisError, OSError) as error:
        return f"unavailable ({type(error).__name__})"


def check_database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "ok"


def check_migrations() -> str:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return f"{len(missing)} to apply: run manage.py migrate" if missing else "ok"


def check_redis() -> str:
    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2) as client:
        client.ping()
    return "ok"


CHECKS: dict[str, Callable[[], str]] = {
    "database": check_database,
    "migrations": check_migrations,
    "redis": check_redis,
}
