"""The piece of a text that shows why it was found, as plain pieces: the template or script marks and escapes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from webapp.catalog.search.words import Term, fold

WIDTH = 200  # characters
LEAD = 50  # of them before the first found word
WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Piece:
    text: str
    marked: bool = False


def marked(text: str, terms: Sequence[Term]) -> tuple[Piece, ...]:
    """The whole text, its found words marked."""
    return tuple(pieces(text, [found[:2] for found in finds(text, terms)]))


def snippet(text: str, terms: Sequence[Term]) -> tuple[Piece, ...]:
    """The first place with the most different terms, cut at words; the beginning of the text where there is none."""
    found = list(finds(text, terms))
    start = best_start(found)
    start = max(0, start - LEAD) if start + WIDTH - LEAD > WIDTH else 0
    end = start + WIDTH
    start, end = at_words(text, start, end)
    inside = [(first - start, last - start) for first, last, _ in found if first >= start and last <= end]
    return tuple(cut(pieces(text[start:end], inside), before=start > 0, after=end < len(text)))


def finds(text: str, terms: Sequence[Term]) -> Iterator[tuple[int, int, int]]:
    """(start, end, number of the term)."""
    for match in WORD.finditer(text):
        word = fold(match[0])
        number = next((place for place, term in enumerate(terms) if term.fits(word)), None)
        if number is not None:
            yield match.start(), match.end(), number


def best_start(found: Sequence[tuple[int, int, int]]) -> int:
    best, most = 0, 0
    for place, (start, _, _) in enumerate(found):
        different = {number for first, _, number in found[place : place + 30] if first < start + WIDTH - LEAD}
        if len(different) > most:
            best, most = start, len(different)
    return best


def at_words(text: str, start: int, end: int) -> tuple[int, int]:
    if start > 0:
        start = text.find(" ", start, start + LEAD // 2) + 1 or start
    if end < len(text):
        end = max(text.rfind(" ", start, end), start + WIDTH // 2)
    return start, min(end, len(text))


def pieces(text: str, spans: Iterable[tuple[int, int]]) -> Iterator[Piece]:
    here = 0
    for start, end in spans:
        if start > here:
            yield Piece(text[here:start])
        yield Piece(text[start:end], marked=True)
        here = end
    if here < len(text):
        yield Piece(text[here:])


def cut(inner: Iterable[Piece], *, before: bool, after: bool) -> Iterator[Piece]:
    """With "…" where the text goes on."""
    if before:
        yield Piece("… ")
    yield from inner
    if after:
        yield Piece(" …")
