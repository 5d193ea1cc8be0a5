"""Keeps the database's copy of the documents equal to what the sources say."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from functools import lru_cache

from django.core.cache import cache
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from typing_extensions import override

from lessons.loader import Course
from webapp.catalog.course import course
from webapp.catalog.models import SearchDocument, SearchState
from webapp.catalog.search.sources import Document, documents
from webapp.catalog.search.words import WORDS_VERSION, index_text
from webapp.config.celery import app

REFRESH = "webapp.catalog.tasks.search_refresh"  # by name: the task's module imports this one
ASK_AGAIN_S = 60
AT_ONCE = 50  # rows a transaction
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshResult:
    documents: int
    written: int
    removed: int


def index_refresh(*, everything: bool = False) -> RefreshResult:
    """Write what changed, or `everything`, and remove what is gone. A source whose content is in no folder calls it."""
    digest = content_digest()
    wanted = {document.key: (kind, document) for kind, document in documents()}
    known = dict(SearchDocument.objects.values_list("key", "content_hash"))
    rows = [
        row_of(kind, document)
        for key, (kind, document) in wanted.items()
        if everything or known.get(key) != document.content_hash
    ]
    removed, _ = SearchDocument.objects.filter(key__in=known.keys() - wanted.keys()).delete()
    write(rows)
    SearchState.objects.update_or_create(pk=1, defaults={"digest": digest})  # last: until then it counts as old
    return RefreshResult(documents=len(wanted), written=len(rows), removed=removed)


def row_of(kind: str, document: Document) -> SearchDocument:
    """The title counts as such on the page itself alone: else every section would be its best match."""
    return SearchDocument(
        key=document.key,
        kind=kind,
        title=document.title,
        heading=document.heading,
        text=document.text,
        url=document.url,
        title_words=index_text([document.title] if document.is_page else []),
        heading_words=index_text([document.heading]),
        body_words=index_text([document.text, document.tags, "" if document.is_page else document.title]),
        content_hash=document.content_hash,
    )


def write(rows: list[SearchDocument]) -> None:
    """In several short transactions: nobody waits for the write lock of SQLite."""
    fields = [field.name for field in SearchDocument._meta.fields if field.name not in ("id", "key")]
    for start in range(0, len(rows), AT_ONCE):
        SearchDocument.objects.bulk_create(
            rows[start : start + AT_ONCE], update_conflicts=True, unique_fields=["key"], update_fields=fields
        )


def content_digest() -> str:
    """Of the course as it is now; worked out once for each reading of the folders."""
    return _digest_of(_ById(course()))


def refresh_ask() -> None:
    """Have a worker refresh an index that is older than the content; cheap, and at most one question a minute.

    Never raises: a search on yesterday's index is better than none.
    """
    digest = content_digest()
    if digest == _seen.digest:
        return
    try:
        if SearchState.objects.filter(digest=digest).exists():
            _seen.digest = digest
        elif cache.add(f"search:asked:{digest}", 1, ASK_AGAIN_S):
            app.send_task(REFRESH, queue="smoke", retry=False)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("the search index could not be refreshed (%s); the next search asks again", error)


@dataclass(slots=True)
class _Seen:
    """The digest that the index of this database was last seen to have."""

    digest: str = ""


_seen = _Seen()


@dataclass(frozen=True, slots=True, eq=False)
class _ById:
    """A course, told from others by being another object: comparing all its texts would cost more than the digest."""

    course: Course

    @override
    def __hash__(self) -> int:
        return id(self.course)

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ById) and other.course is self.course


@lru_cache(maxsize=2)
def _digest_of(held: _ById) -> str:
    total = hashlib.sha256(WORDS_VERSION)
    for lesson in held.course.lessons:
        keys = [exercise.key for exercise in lesson.exercises]
        parts = (lesson.slug, lesson.title, lesson.level, lesson.summary, lesson.content_hash, *keys)
        total.update("\0".join(parts).encode() + b"\n")
    return total.hexdigest()
