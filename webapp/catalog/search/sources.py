"""What there is to find. Apps above register theirs here, so that the catalog need not import upward.

Only what everybody may read is ever a document: nothing of a person, and no quiz's answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import astuple, dataclass

from django.utils.functional import Promise

from webapp.catalog.search.words import WORDS_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One place of the site: the page `title` itself, or the section `heading` of it.

    A page is what its title finds first, so whatever shares the title of another document sets `is_page` to False.
    """

    key: str  # unique, and the same for the same place at every refresh
    title: str
    heading: str = ""
    text: str
    tags: str = ""  # words that find it and are not shown
    url: str
    is_page: bool = False

    @property
    def content_hash(self) -> str:
        return hashlib.sha256(WORDS_VERSION + "\0".join(map(str, astuple(self))).encode()).hexdigest()


Read = Callable[[], Iterable[Document]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """`kind` is its name in addresses and the database, `one` and `many` are what people read."""

    kind: str
    one: str | Promise
    many: str | Promise
    read: Read


_sources: dict[str, Source] = {}


def register(source: Source) -> None:
    """Kinds are shown in the order in which they were first registered."""
    _sources[source.kind] = source


def sources() -> tuple[Source, ...]:
    return tuple(_sources.values())


def documents() -> Iterator[tuple[str, Document]]:
    """(kind, document) of all sources."""
    for source in sources():
        for document in source.read():
            yield source.kind, document
