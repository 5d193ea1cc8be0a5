"""Rows of workers that are up, as their main processes write them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from webapp.submissions.models import Worker


def work_with(*queues: str, name: str = "", age_s: float = 0, **values: Any) -> Worker:
    """A worker that was last seen `age_s` seconds ago."""
    row = {"host": "here", "concurrency": 1, "cores": 2, "memory_mb": 64_000, **values}
    seen = timezone.now() - timedelta(seconds=age_s)
    name = name or f"w{Worker.objects.count()}"
    return Worker.objects.create(name=name, queues=list(queues), started_at=seen, seen_at=seen, **row)
