"""Tells idle workers that a queue has work. A message carries no work, so losing one costs at most 15 seconds."""

from __future__ import annotations

import logging

from kombu.exceptions import OperationalError

from webapp.config.celery import app

WORK = "webapp.submissions.tasks.work"  # by name: the task's module imports the queue, which imports this one
log = logging.getLogger(__name__)


def wake(queue: str) -> None:
    """Never raises for a broker that is away: the row is safe, and the sweeper wakes the queue later."""
    try:
        app.send_task(WORK, args=[queue], queue=queue, retry=False)
    except (OperationalError, OSError) as error:
        log.warning("queue %s could not be woken (%s); the sweeper will do it", queue, error)
