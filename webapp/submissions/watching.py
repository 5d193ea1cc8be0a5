"""What the live log's socket reads from the database: one look serves all who watch a run."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from webapp.accounts.models import User
from webapp.submissions.access import may_read
from webapp.submissions.estimates import queue_place
from webapp.submissions.keptlog import unpack
from webapp.submissions.logstream import Entry
from webapp.submissions.models import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """`verdict` is "" and `entries` empty until the run is finished."""

    owner: int
    status: str
    position: int | None
    message: str
    verdict: str
    entries: list[Entry]


def look_at_run(run: UUID) -> Look | None:
    """None when there is no such run (any more)."""
    found = Run.objects.filter(pk=run).first()
    if found is None:
        return None
    place = queue_place(found)
    return Look(
        owner=found.learner_id,
        status=found.status,
        position=place.position if place else None,
        message=found.message or (place.text if place else ""),
        verdict=found.verdict,
        entries=unpack(found.log_z) if found.is_finished else [],
    )


def readers_among(users: Collection[int], *, owner: int) -> set[int]:
    """Which of `users` may read a run of `owner` now."""
    return {user.pk for user in User.objects.filter(pk__in=users) if may_read(user, owner)}
