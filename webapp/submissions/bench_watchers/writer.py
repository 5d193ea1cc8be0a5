"""`python -m webapp.submissions.bench_watchers.writer <run> <lines a second> <seconds>`: a busy run.

As a process of a bench's site: writes lines that carry the time of their writing (of the machine's monotonic clock, in
nanoseconds) at an even pace, then ends the run. Prints JSON: how many lines, and the microseconds that one took.
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from webapp.submissions.livelog import LiveLog
    from webapp.submissions.models import Run

_WORKER = "bench"


def main(key: str, rate: int, seconds: float) -> dict[str, float]:
    from webapp.submissions.livelog import LiveLog
    from webapp.submissions.models import Verdict
    from webapp.submissions.queue import run_finish

    run = _claimed(key)
    live = LiveLog(run.pk, token=run.token)
    live.status()
    count = int(rate * seconds)
    spent = _write(run, live, count, rate)
    if not run_finish(run=run, verdict=Verdict.PASSED, log_z=live.packed()):
        raise RuntimeError("the run was taken back by the sweeper: this machine is too busy to measure")
    live.status()
    live.close()
    return {"lines": count, "add_us": round(spent / count / 1000, 1)}


def _claimed(key: str) -> Run:
    from django.utils import timezone

    from webapp.submissions.models import Run, Status
    from webapp.submissions.queue import LEASE

    now = timezone.now()
    values = {"status": Status.RUNNING, "token": 1, "tries": 1, "worker": _WORKER, "started_at": now}
    assert Run.objects.filter(pk=key, status=Status.QUEUED).update(**values, lease_expires_at=now + LEASE) == 1
    return Run.objects.get(pk=key)


def _write(run: Run, live: LiveLog, count: int, rate: int) -> int:
    """Nanoseconds that all the calls took together."""
    from grader.events import LogEvent
    from webapp.submissions.queue import run_heartbeat

    began, spent = time.monotonic(), 0
    for number in range(count):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        now = time.monotonic_ns()
        live.add(LogEvent(stream="out", text=f"{now} step {number} of {count}, loss 0.6931, a line as programs print"))
        spent += time.monotonic_ns() - now
        if number % (10 * rate) == 0:
            run_heartbeat(worker=_WORKER, runs=[run.pk])
    return spent


if __name__ == "__main__":
    django.setup()
    sys.stdout.write(json.dumps(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))))
