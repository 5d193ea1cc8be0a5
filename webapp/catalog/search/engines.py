"""The two databases' full text behind one interface. Each ranks title over heading over body."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol

from django.db import connection
from typing_extensions import override

from webapp.catalog.models import SearchDocument
from webapp.catalog.search.words import Term


class Engine(Protocol):
    """Asks for documents that have all of the terms (`every`) or any of them. Never raises for what a person typed."""

    def counts(self, terms: Sequence[Term], *, every: bool) -> dict[str, int]:
        """Kind → how many."""

    def best(
        self, terms: Sequence[Term], *, every: bool, kind: str, limit: int, offset: int = 0
    ) -> list[SearchDocument]:
        """The best first; of one kind, or of all ("")."""


class SqlEngine(ABC):
    """What both have in common: two statements, and an expression that stands for the terms."""

    counts_sql: str
    best_sql: str

    @abstractmethod
    def express(self, terms: Sequence[Term], *, every: bool) -> str:
        """The terms in the database's own language; `every`: all of them must be found."""

    def counts(self, terms: Sequence[Term], *, every: bool) -> dict[str, int]:
        with connection.cursor() as cursor:
            cursor.execute(self.counts_sql, {"match": self.express(terms, every=every)})
            return dict(cursor.fetchall())

    def best(
        self, terms: Sequence[Term], *, every: bool, kind: str, limit: int, offset: int = 0
    ) -> list[SearchDocument]:
        match = self.express(terms, every=every)
        values = {"match": match, "kind": kind, "limit": limit, "offset": offset}
        return list(SearchDocument.objects.raw(self.best_sql, values))


class SqliteEngine(SqlEngine):
    counts_sql = """
        SELECT d.kind, count(*) FROM catalog_search_words JOIN catalog_searchdocument d
        ON d.id = catalog_search_words.rowid WHERE catalog_search_words MATCH %(match)s GROUP BY d.kind"""
    best_sql = """
        SELECT d.id, d.kind, d.title, d.heading, d.text, d.url FROM catalog_search_words JOIN catalog_searchdocument d
        ON d.id = catalog_search_words.rowid
        WHERE catalog_search_words MATCH %(match)s AND (%(kind)s = '' OR d.kind = %(kind)s)
        ORDER BY bm25(catalog_search_words, 100.0, 20.0, 1.0), d.key LIMIT %(limit)s OFFSET %(offset)s"""

    @override
    def express(self, terms: Sequence[Term], *, every: bool) -> str:
        """Words are letters and digits alone, so the quotes cannot be left."""
        return (" AND " if every else " OR ").join(self.forms(term) for term in terms)

    def forms(self, term: Term) -> str:
        written = f'"{term.word}"{" *" if term.prefix else ""}'
        return f'({written} OR "{term.stem}")'


class PostgresEngine(SqlEngine):
    counts_sql = """
        SELECT kind, count(*) FROM catalog_searchdocument WHERE words @@ %(match)s::tsquery GROUP BY kind"""
    best_sql = """
        SELECT id, kind, title, heading, text, url FROM catalog_searchdocument
        WHERE words @@ %(match)s::tsquery AND (%(kind)s = '' OR kind = %(kind)s)
        ORDER BY ts_rank('{0.01, 0.05, 0.2, 1.0}', words, %(match)s::tsquery, 1) DESC, key
        LIMIT %(limit)s OFFSET %(offset)s"""

    @override
    def express(self, terms: Sequence[Term], *, every: bool) -> str:
        """Words are letters and digits alone, so the quotes cannot be left."""
        return (" & " if every else " | ").join(self.forms(term) for term in terms)

    def forms(self, term: Term) -> str:
        return f"('{term.word}'{':*' if term.prefix else ''} | '{term.stem}')"


def engine() -> Engine:
    return {"sqlite": SqliteEngine, "postgresql": PostgresEngine}[connection.vendor]()
