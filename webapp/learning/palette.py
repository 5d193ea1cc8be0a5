"""The command palette's entries about learning: where to go on, and the pages of progress, plan and hardware."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from webapp.accounts.models import User
from webapp.catalog.search.palette import PaletteCommand
from webapp.learning.home import resume
from webapp.learning.progress_selectors import lesson_states, records_of


def learning_commands(request: HttpRequest) -> Iterator[PaletteCommand]:
    if isinstance(request.user, User):
        yield from continue_command(request.user)
        progress, plan = reverse("progress"), reverse("plan")
        yield PaletteCommand(id="progress", title=_("Progress"), group="page", url=progress, icon="chart")
        yield PaletteCommand(id="plan", title=_("Study plan"), group="page", url=plan, icon="calendar")
    yield PaletteCommand(id="hardware", title=_("Hardware"), group="page", url=reverse("hardware"), icon="cpu")


def continue_command(user: User) -> Iterator[PaletteCommand]:
    records = records_of(user)
    readable = tuple(state for state in lesson_states(records) if not state.card.planned)
    place = resume(user, records, readable)
    if place is not None:
        words = _("continue resume")
        yield PaletteCommand(
            id="continue", title=place.label, note=place.title, group="action", url=place.url, words=words
        )
