"""Drafts: what a learner wrote and did not send. One each learner and exercise, with a version, so that a page which
knows an older one never overwrites a newer one unasked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from lessons.loader import Exercise
from webapp.accounts.models import User
from webapp.catalog.services import exercise_mirror
from webapp.submissions.models import Draft
from webapp.submissions.uploads import Errors, check_name, checked_text

MAX_VERSION = 2_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """The draft as it is kept now; `taken` is False where it is another page's, newer than the one sent."""

    draft: Draft
    taken: bool


def draft_find(user: User, exercise: Exercise) -> Draft | None:
    return Draft.objects.filter(learner=user, exercise=exercise.manifest.id).first()


def draft_save(*, learner: User, exercise: Exercise, files: Mapping[str, str | bytes], version: str) -> Saved:
    """Keep `files` if `version` is the one that is kept (0: none is). Raises ValidationError, fields as of uploads.

    The same text again changes nothing, so a page that saves what it was shown never makes its draft look newer.
    """
    known = checked_version(version)
    texts = checked_draft(exercise, files)
    kept = draft_find(learner, exercise)
    if kept is None:
        kept = draft_begin(learner=learner, exercise=exercise, texts=texts)
        if kept is not None:
            return Saved(draft=kept, taken=True)
        kept = Draft.objects.get(learner=learner, exercise=exercise.manifest.id)  # another page began it just now
    if kept.texts == texts:
        return Saved(draft=kept, taken=True)
    return draft_replace(kept, known=known, exercise=exercise, texts=texts)


def draft_begin(*, learner: User, exercise: Exercise, texts: dict[str, str]) -> Draft | None:
    """The first one; None where another page was faster."""
    mirror = exercise_mirror(exercise)
    try:
        with transaction.atomic():
            return Draft.objects.create(
                learner=learner,
                exercise=mirror,
                texts=texts,
                content_hash=exercise.content_hash,
                saved_at=timezone.now(),
            )
    except IntegrityError:
        return None


def draft_replace(kept: Draft, *, known: int, exercise: Exercise, texts: dict[str, str]) -> Saved:
    taken = Draft.objects.filter(pk=kept.pk, version=known).update(
        version=known + 1, texts=texts, content_hash=exercise.content_hash, saved_at=timezone.now()
    )
    kept.refresh_from_db()
    return Saved(draft=kept, taken=bool(taken))


def checked_version(version: str) -> int:
    """Raises ValidationError (field version)."""
    if not (version.isascii() and version.isdigit() and len(version) <= 10 and int(version) <= MAX_VERSION):
        raise ValidationError({"version": [_("This page sent no version of its draft: reload it.")]})
    return int(version)


def checked_draft(exercise: Exercise, files: Mapping[str, str | bytes]) -> dict[str, str]:
    """As a submission's files, but a draft may be unfinished: files may be missing or empty. Raises ValidationError."""
    editable = exercise.manifest.files.editable
    if not files:
        raise ValidationError({"files": [_("Nothing was sent to keep.")]})
    errors: Errors = defaultdict(list)
    if len(files) > len(editable):
        raise ValidationError({"files": [_("More files were sent than this exercise has.")]})
    for name in files:
        check_name(exercise, name, errors)
    texts = {name: checked_text(exercise, name, files[name], errors) for name in editable if name in files}
    if errors:
        raise ValidationError(dict(errors))
    return texts
