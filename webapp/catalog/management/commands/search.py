"""`manage.py search <words>` and `manage.py search --rebuild`."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

from webapp.catalog.search.finding import Answer, Hit, find
from webapp.catalog.search.index import index_refresh
from webapp.catalog.search.snippets import Piece


class Command(BaseCommand):
    help = "Searches as the site does, or makes the index anew. Exit code: 0 found something, 1 found nothing."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("words", nargs="*")
        parser.add_argument("--rebuild", action="store_true", help="write every document of the index again")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        words: list[str] = options["words"]
        if not words and not options["rebuild"]:
            raise CommandError("say what to search for, or --rebuild", returncode=2)
        if options["rebuild"]:
            self.rebuild()
        if words:
            self.search(" ".join(words))

    def rebuild(self) -> None:
        start = time.perf_counter()
        result = index_refresh(everything=True)
        seconds = time.perf_counter() - start
        self.stdout.write(f"{result.documents} documents indexed, {result.removed} removed, {seconds:.1f} s")

    def search(self, query: str) -> None:
        answer = find(query)
        for hit in answer.hits:
            self.stdout.write(lines(hit))
        self.stdout.write(summary(answer))
        if not answer.hits:
            sys.exit(1)


def lines(hit: Hit) -> str:
    place = " › ".join(plain(part) for part in (hit.title, hit.heading) if part)
    return f"{hit.kind:9} {place}\n          {hit.url}\n          {plain(hit.text)}"


def plain(pieces: tuple[Piece, ...]) -> str:
    """Found words between asterisks, for a terminal."""
    return "".join(f"*{piece.text}*" if piece.marked else piece.text for piece in pieces)


def summary(answer: Answer) -> str:
    kinds = ", ".join(f"{kind.count} {kind.name.lower()}" for kind in answer.kinds)
    wanting = "" if answer.every else "; no place has all of the words"
    return f"{answer.total} found{f' ({kinds})' if kinds else ''}{wanting}"
