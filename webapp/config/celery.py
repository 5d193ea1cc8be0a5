"""The Celery application. Queues: smoke, cpu, gpu. Tasks are one call of a plain function."""

from __future__ import annotations

import logging.config
import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.config.settings")

app = Celery("rankzero")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["webapp.catalog", "webapp.submissions"])


@setup_logging.connect  # type: ignore[untyped-decorator]  # celery ships no types
def log_as_the_site_does(**kwargs: Any) -> None:
    """In place of Celery's own handlers: one format for every line of a worker."""
    logging.config.dictConfig(settings.LOGGING)
