"""A language that puts each translated text into brackets, and a reader that finds text outside of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.utils import translation

OPEN, CLOSE = "⟦", "⟧"
UNITS = re.compile(r"\d\s*(GB|MB|kB|ms|min|h)\b")
WORDS = re.compile(r"[^\W\d_]{2,}")
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
SHOWN_ATTRIBUTES = {"alt", "aria-label", "aria-description", "placeholder", "title"}
CONTENT_TAGS = {"code", "kbd", "math", "pre", "script", "style", "textarea", "time", "noscript"}
CONTENT_CLASSES = {"prose", "highlight", "mermaid", "cell", "code-block", "brand"}


def brackets(text: str) -> str:
    return f"{OPEN}{text}{CLOSE}" if text else text


def pseudo_language(monkeypatch: pytest.MonkeyPatch) -> None:
    def one_or_many(one: str, many: str, number: float) -> str:
        return brackets(one if number == 1 else many)

    spoken: dict[str, Any] = {
        "gettext": brackets,
        "pgettext": lambda _context, text: brackets(text),
        "ngettext": one_or_many,
        "npgettext": lambda _context, *forms: one_or_many(*forms),
    }
    for name, function in spoken.items():
        monkeypatch.setattr(translation._trans, name, function)


class Reader(HTMLParser):
    """`bare`: what is shown of a page and stands neither in brackets nor in lesson content or a person's own words."""

    def __init__(self, known: set[str]) -> None:
        super().__init__()
        self.known, self.bare = known, list[str]()
        self._content: list[str] = []  # open elements, from the one on whose text is nobody's to translate
        self._depth = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if not self._content:
            for name in SHOWN_ATTRIBUTES & given.keys():
                self.look(f"{name} of {tag}", outside(given[name]))
        if tag not in VOID and (self._content or is_content(tag, given)):
            self._content.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._content:
            while self._content.pop() != tag:
                pass

    def handle_data(self, text: str) -> None:
        kept = ""
        for sign in text:
            self._depth += {OPEN: 1, CLOSE: -1}.get(sign, 0)
            kept += sign if self._depth == 0 and sign not in (OPEN, CLOSE) else ""
        if not self._content:
            self.look("text", kept)

    def look(self, where: str, text: str) -> None:
        said = " ".join(text.split()).removesuffix("· Rank Zero").strip("·.,:;()/ ")
        if WORDS.search(UNITS.sub("", said)) and said not in self.known:
            self.bare.append(f"{where}: {said}")


def outside(text: str) -> str:
    """What is left when the innermost brackets are taken away until there are none."""
    while text != (shorter := re.sub(f"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}", "", text)):
        text = shorter
    return text


def is_content(tag: str, attributes: dict[str, str]) -> bool:
    classes = set(attributes.get("class", "").split())
    if attributes.get("name") == "time_zone":  # names of places
        return True
    return tag in CONTENT_TAGS or "data-content" in attributes or bool(classes & CONTENT_CLASSES)


def bare_texts(page: str, known: set[str]) -> list[str]:
    reader = Reader(known)
    reader.feed(page)
    assert reader._depth == 0
    return reader.bare


def strings(value: Any) -> Iterator[str]:
    """Every text in a model, a mapping or a list."""
    if isinstance(value, str):
        yield " ".join(value.split())
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list | tuple | set | frozenset):
        for part in value:
            yield from strings(part)
