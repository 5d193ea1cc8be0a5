"""How far a person has read in a lesson: what the page shows, and what it sends while it is read."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import replace

from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from webapp.accounts.models import User
from webapp.catalog.contexts import ReadingView, TocEntry
from webapp.catalog.models import Reading

REPORTS_PER_MINUTE = 30  # of one person; a page that is open sends four at most


class TooManyReportsError(Exception):
    """The same person reported more often than any page of ours does."""


def reading_of(user: User | AnonymousUser, lesson: str) -> Reading:
    """What is kept, or an empty one that is not saved."""
    found = Reading.objects.filter(user=user, lesson=lesson).first() if isinstance(user, User) else None
    return found or Reading(lesson=lesson)


def reading_view(reading: Reading, toc: Sequence[TocEntry]) -> tuple[ReadingView, tuple[TocEntry, ...]]:
    """Headings that the lesson no longer has count for nothing."""
    read = set(reading.sections)
    entries = tuple(replace(entry, read=entry.id in read) for entry in toc)
    view = ReadingView(
        sections=len(entries),
        read=sum(entry.read for entry in entries),
        place=next((entry for entry in entries[1:] if entry.id == reading.place), None),
        url=reverse("lesson-reading", args=[reading.lesson]),
    )
    return view, entries


@transaction.atomic
def reading_record(*, user: User, lesson: str, headings: Sequence[str], read: Collection[str], place: str) -> Reading:
    """Add sections that were read, and note where the page was left. What is no heading of the lesson is passed over.

    Raises ValidationError (field section) where nothing of it is one, and TooManyReportsError.
    """
    allow_report(user)
    known = [heading for heading in headings if heading in set(read)]
    if not known and place not in headings:
        raise ValidationError({"section": [_("This lesson has no such section. Reload the page.")]})
    row, _created = Reading.objects.select_for_update().get_or_create(user=user, lesson=lesson)
    before = set(row.sections)
    row.sections = [heading for heading in headings if heading in before or heading in known]
    row.place = place if place in headings else row.place
    row.save()
    return row


def allow_report(user: User) -> None:
    key = f"reading:{user.pk}:{int(time.time() // 60)}"
    cache.add(key, 0, timeout=120)
    if cache.incr(key) > REPORTS_PER_MINUTE:
        raise TooManyReportsError
