"""One search, put together: what was asked, how many places of each kind, and one page of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from webapp.catalog.course import course
from webapp.catalog.models import SearchDocument
from webapp.catalog.search.engines import engine
from webapp.catalog.search.snippets import Piece, marked, snippet
from webapp.catalog.search.sources import sources
from webapp.catalog.search.words import LONGEST_QUERY, Term, terms_of

PER_PAGE = 20
LAST_PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    kind: str
    kind_name: str
    title: tuple[Piece, ...]
    heading: tuple[Piece, ...]  # of the section; empty for a whole page
    text: tuple[Piece, ...]
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KindCount:
    """A filter. `kind` "" stands for all."""

    kind: str
    name: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`every` is False when no place has all the words and these have some of them."""

    query: str
    kind: str
    page: int
    total: int  # of the kind that is shown
    every: bool
    hits: tuple[Hit, ...]
    kinds: tuple[KindCount, ...]
    has_words: bool  # False: there is nothing to look for in what was typed

    @property
    def first(self) -> int:
        """The number of the first hit on this page."""
        return (self.page - 1) * PER_PAGE + 1

    @property
    def previous(self) -> int:
        """0: this is the first page."""
        return self.page - 1

    @property
    def next(self) -> int:
        """0: this is the last page."""
        return self.page + 1 if self.page * PER_PAGE < self.total and self.page < LAST_PAGE else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    title: str
    summary: str
    url: str


def suggestions() -> tuple[Suggestion, ...]:
    """Where to go instead: the lessons that have a page."""
    return tuple(
        Suggestion(title=lesson.title, summary=lesson.summary, url=reverse("lesson", args=[lesson.slug]))
        for lesson in course().lessons
        if lesson.body
    )


def find(query: str, *, kind: str = "", page: int = 1, per_page: int = PER_PAGE) -> Answer:
    """Never raises for what a person typed; an unknown kind or page is the nearest that there is."""
    text = " ".join(query.replace("\0", " ").split(None))[:LONGEST_QUERY]
    terms = terms_of(query)
    every, counts = count(terms)
    kind = kind if kind in {source.kind for source in sources()} else ""
    total = counts.get(kind, 0) if kind else sum(counts.values())
    page = max(1, min(page, LAST_PAGE, (total + per_page - 1) // per_page))
    found = engine().best(terms, every=every, kind=kind, limit=per_page, offset=(page - 1) * per_page) if total else []
    return Answer(
        query=text,
        kind=kind,
        page=page,
        total=total,
        every=every,
        hits=tuple(hit_of(document, terms) for document in found),
        kinds=kind_counts(counts),
        has_words=bool(terms),
    )


def count(terms: tuple[Term, ...]) -> tuple[bool, dict[str, int]]:
    """(whether all the terms were found in one place, kind → how many places)."""
    if not terms:
        return True, {}
    counts = engine().counts(terms, every=True)
    if counts or len(terms) == 1:
        return True, counts
    return False, engine().counts(terms, every=False)


def kind_counts(counts: dict[str, int]) -> tuple[KindCount, ...]:
    each = [KindCount(kind=one.kind, name=str(one.many), count=counts.get(one.kind, 0)) for one in sources()]
    return tuple(one for one in each if one.count)


def hit_of(document: SearchDocument, terms: tuple[Term, ...]) -> Hit:
    names = {source.kind: str(source.one) for source in sources()}
    return Hit(
        kind=document.kind,
        kind_name=names.get(document.kind, ""),
        title=marked(document.title, terms),
        heading=marked(document.heading, terms),
        text=snippet(document.text, terms),
        url=document.url,
    )


def answer_json(answer: Answer) -> dict[str, Any]:
    """Texts as [text, whether it is marked] pairs: whoever shows them sets text, never HTML."""
    return {
        "query": answer.query,
        "total": answer.total,
        "every": answer.every,
        "hits": [
            {
                "kind": hit.kind_name,
                "title": pairs(hit.title),
                "heading": pairs(hit.heading),
                "text": pairs(hit.text),
                "url": hit.url,
            }
            for hit in answer.hits
        ],
    }


def pairs(texts: tuple[Piece, ...]) -> list[list[str | bool]]:
    return [[piece.text, piece.marked] for piece in texts]
