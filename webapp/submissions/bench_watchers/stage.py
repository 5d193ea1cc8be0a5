"""`python -m webapp.submissions.bench_watchers.stage <viewers>`: who watches, and two runs to be watched.

As a process of a bench's site. Prints JSON: the keys of the viewers' sessions, and the ids of the runs, which wait in a
queue that no worker of that site serves.
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
    return {"sessions": sessions, "runs": [_waiting(watchers[0]) for _ in range(_RUNS)]}


def _waiting(owner: Any) -> str:
    from django.db import transaction

    from webapp.submissions.models import Run
    from webapp.submissions.services import run_create

    with transaction.atomic():
        run = run_create(kind=Run.Kind.CELL, learner=owner, tier=_QUEUE, cell_lesson="bench", cell_sources=["pass"])
    return str(run.pk)


if __name__ == "__main__":
    django.setup()
    sys.stdout.write(json.dumps(main(int(sys.argv[1]))))
