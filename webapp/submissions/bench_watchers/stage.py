"""`python -m webapp.submissions.bench_watchers.stage <viewers>`: who watches, and two runs to be watched.

As a process of a bench's site. Prints JSON: the keys of the viewers' sessions, and the ids of the runs, which are held
by this bench for an hour, so that no sweeper takes them back.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import django

from webapp.submissions.bench_queue import people

_RUNS = 2
_QUEUE = "gpu"


def main(viewers: int) -> dict[str, Any]:
    from webapp.accounts.models import Role, User

    sessions = people.main(viewers)
    watchers = people.people(viewers)
    User.objects.filter(pk__in=[user.pk for user in watchers]).update(role=Role.INSTRUCTOR)
    return {"sessions": sessions, "runs": [_running(watchers[0]) for _ in range(_RUNS)]}


def _running(owner: Any) -> str:
    from datetime import timedelta

    from django.utils import timezone

    from webapp.submissions.models import Run, Status

    now = timezone.now()
    run = Run.objects.create(
        kind=Run.Kind.CELL, learner=owner, tier=_QUEUE, queue=_QUEUE, cell_lesson="bench", cell_sources=["pass"],
        seed=0, status=Status.RUNNING, token=1, tries=1, worker="bench", queued_at=now, started_at=now,
        lease_expires_at=now + timedelta(hours=1),
    )  # fmt: skip
    return str(run.pk)


if __name__ == "__main__":
    django.setup()
    sys.stdout.write(json.dumps(main(int(sys.argv[1]))))
