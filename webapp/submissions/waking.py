"""Tells idle workers that a queue has work. A message carries no work, so losing one costs at most 15 seconds."""

from __future__ import annotations

import logging

from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def wake(queue: str) -> None:
    """Never raises for a broker that is away: the row is safe, and the sweeper wakes the queue later."""
    from webapp.submissions.tasks import work  # the task module imports the queue

    try:
        work.apply_async(args=[queue], queue=queue, retry=False)
    except (OperationalError, OSError) as error:
        log.warning("queue %s could not be woken (%s); the sweeper will do it", queue, error)
