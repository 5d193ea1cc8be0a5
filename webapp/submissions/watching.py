"""What the live log's socket reads from the database, in one look."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from webapp.accounts.models import User
from webapp.submissions.access import may_read
from webapp.submissions.estimates import queue_place
from webapp.submissions.livelog import Entry, unpack
from webapp.submissions.models import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """`verdict` is "" and `entries` empty until the run is finished."""

    status: str
    position: int | None
    message: str
    verdict: str
    entries: list[Entry]


def look_at_run(*, run: UUID, user: int) -> Look | None:
    """None when there is no such run, or not for this person (any more)."""
    person = User.objects.filter(pk=user).first()
    found = Run.objects.filter(pk=run).first()
    if person is None or found is None or not may_read(person, found.learner_id):
        return None
    place = queue_place(found)
    return Look(
        status=found.status,
        position=place.position if place else None,
        message=found.message or (place.text if place else ""),
        verdict=found.verdict,
        entries=unpack(found.log_z) if found.is_finished else [],
    )
