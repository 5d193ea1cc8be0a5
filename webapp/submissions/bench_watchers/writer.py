"""`python -m webapp.submissions.bench_watchers.writer <run> <lines a second> <seconds>`: a busy run.

As a process of a bench's site: writes lines that carry the time of their writing (of the machine's monotonic clock, in
nanoseconds) at an even pace, then ends the run. Prints JSON: how many lines, and the microseconds that one took.
"""

from __future__ import annotations

import json
import sys
import time

import django


def main(key: str, rate: int, seconds: float) -> dict[str, float]:
    from grader.events import LogEvent
    from webapp.submissions.livelog import LiveLog
    from webapp.submissions.models import Run, Verdict
    from webapp.submissions.queue import run_finish

    run = Run.objects.get(pk=key)
    live = LiveLog(run.pk, token=run.token)
    count, began, spent = int(rate * seconds), time.monotonic(), 0
    for number in range(count):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        now = time.monotonic_ns()
        live.add(LogEvent(stream="out", text=f"{now} step {number} of {count}, loss 0.6931, a line as programs print"))
        spent += time.monotonic_ns() - now
    run_finish(run=run, verdict=Verdict.PASSED, log_z=live.packed())
    live.status()
    live.close()
    return {"lines": count, "add_us": spent / count / 1000}


if __name__ == "__main__":
    django.setup()
    sys.stdout.write(json.dumps(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))))
