"""The command palette's entry for instructors: runs that wait for a decision."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webapp.catalog.search.palette import PaletteCommand
from webapp.submissions.reviewing import reviews_waiting


def review_commands(request: HttpRequest) -> Iterator[PaletteCommand]:
    waiting = reviews_waiting(request).get("reviews_waiting")
    if waiting is not None:
        note = ngettext("%(count)d waits", "%(count)d wait", waiting) % {"count": waiting}
        url = reverse("reviews")
        yield PaletteCommand(id="reviews", title=_("Review"), note=note, group="page", url=url, icon="flag")
