"""What counts as a word, for the index and for a query: one definition for both databases."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import snowballstemmer  # type: ignore[import-untyped]

WORDS_VERSION = b"1"  # another one, whenever index_text() makes something else of a text: every index is made anew
LONGEST_QUERY = 200  # characters that are looked at; the rest is ignored
MOST_TERMS = 12
LONGEST_WORD = 40
WORD = re.compile(r"[^\W_]+")
# Left out of a query that has other words, too: nearly every page has them.
STOP = frozenset(
    """a an and are as at be by can do does for from has have how i if in into is it its my no not of on or so than that
    the their then there these this to was we what when where which why will with you your""".split()  # noqa: SIM905  # one reads a list of words better so
)
_stemmer = snowballstemmer.stemmer("english")
_stemming = threading.Lock()  # a stemmer works in place, on the one word it holds


@dataclass(frozen=True, slots=True)
class Term:
    """A word that a query asks for. It is found as itself and in other forms; as a beginning if it is still typed."""

    word: str
    stem: str
    prefix: bool = False

    def fits(self, word: str) -> bool:
        """Whether a folded word of a text is one of those that this term finds."""
        return word == self.word or stem(word) == self.stem or (self.prefix and word.startswith(self.word))


def fold(text: str) -> str:
    """Without case and diacritics."""
    if text.isascii():
        return text.lower()
    letters = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    with _stemming:
        return str(_stemmer.stemWord(word))


def words_of(text: str) -> list[str]:
    return [word[:LONGEST_WORD] for word in WORD.findall(fold(text))]


def index_text(texts: Iterable[str]) -> str:
    """Words and their stems, separated by spaces: what the databases index."""
    words = [word for text in texts for word in words_of(text)]
    return " ".join(form for word in words for form in dict.fromkeys((word, stem(word))))


def terms_of(query: str) -> tuple[Term, ...]:
    """The words of a query, each once; the last one is a beginning unless a space or sign follows it. May be empty."""
    text = query[:LONGEST_QUERY]
    words = words_of(text)
    if not words:
        return ()
    typed = words[-1] if WORD.match(fold(text)[-1:]) else ""
    wanted = [word for word in dict.fromkeys(words) if word not in STOP or word == typed] or list(dict.fromkeys(words))
    return tuple(Term(word, stem(word), prefix=word == typed) for word in wanted[-MOST_TERMS:])
