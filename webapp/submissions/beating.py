"""What a worker's main process does beside its pool: it says what it offers, and sweeps.

In a thread of its own, so that no run, however long, and no queue of messages can hold it up.
"""

from __future__ import annotations

import logging
import os
import random
import threading
from collections.abc import Sequence

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone
from typing_extensions import override

from webapp.submissions import execution, queue
from webapp.submissions.workers import worker_advertise, worker_withdraw

log = logging.getLogger(__name__)
EVERY_S = float(settings.SWEEP_S)
JITTER_S = EVERY_S / 8  # so that many workers do not write at the same moment
# A pool process is never forked in the middle of a beat: it would inherit an open database and locks that nobody frees.
_beating = threading.Lock()
os.register_at_fork(before=_beating.acquire, after_in_parent=_beating.release, after_in_child=_beating.release)


class Heart(threading.Thread):
    def __init__(self, *, name: str, queues: Sequence[str], concurrency: int) -> None:
        super().__init__(name="heart", daemon=True)
        self._worker = name[:120]
        self._queues = queues
        self._concurrency = concurrency
        self._served: set[str] = set()
        self._started_at = timezone.now()
        self._over = threading.Event()

    @override
    def run(self) -> None:
        self.beat()
        while not self._over.wait(EVERY_S + random.uniform(-JITTER_S, JITTER_S)):  # noqa: S311  # no secret
            self.beat()

    def beat(self) -> None:
        """One write of what is offered, and one sweep. A database that is away or locked is asked again next time."""
        with _beating:
            for act in (self._advertise, queue.sweep):
                try:
                    act()
                except DatabaseError:
                    log.warning("%s failed; it is tried again in %s s", act.__name__, EVERY_S, exc_info=True)
                except Exception:  # the thread goes on, whatever it is: nothing else takes its runs back
                    log.exception("%s failed", act.__name__)
            connection.close()

    def stop(self) -> None:
        """At a clean end: nobody counts on this worker from now on."""
        self._over.set()
        self.join(timeout=30)
        try:
            worker_withdraw(name=self._worker)
        except DatabaseError:
            log.warning("the worker's row stays for a minute", exc_info=True)

    def _advertise(self) -> None:
        problems = {name: execution.cannot_run(name) for name in self._queues}
        served = [name for name, problem in problems.items() if not problem]
        for name in set(served) - self._served:
            queue.runs_unexplain(queue=name)
        self._served = set(served)
        worker_advertise(
            name=self._worker,
            queues=served or self._queues,
            concurrency=self._concurrency,
            problem="" if served else "; ".join(dict.fromkeys(problems.values())),
            started_at=self._started_at,
        )
