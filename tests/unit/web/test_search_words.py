from __future__ import annotations

import threading

import pytest

from webapp.catalog.search.snippets import WIDTH, Piece, marked, snippet
from webapp.catalog.search.words import MOST_TERMS, STOP, Term, fold, index_text, stem, terms_of, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("All-Reduce over all_reduce()", ["all", "reduce", "over", "all", "reduce"]),
        ("naïve Ångström ÉCOLE Straße ﬁne ½", ["naive", "angstrom", "ecole", "strasse", "fine", "1", "2"]),
        ("3.14 2x 1e5 C++", ["3", "14", "2x", "1e5", "c"]),
        ("日本語 🎉 \0 ''\"*()", ["日本語"]),
        ("x" * 100, ["x" * 40]),
        ("", []),
    ],
)
def test_words_are_folded_letters_and_digits(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize("text", ["℡ İstanbul ẞ ΑΣ", "Ǆ ŉ ﬃ K"])
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold(text) == fold(text).lower()


def test_the_index_holds_words_and_their_stems() -> None:
    assert index_text(["Gradients split", "runs"]) == "gradients gradient split runs run"


def test_the_last_word_is_a_beginning_until_something_follows_it() -> None:
    assert terms_of("shard optim") == (Term("shard", "shard"), Term("optim", "optim", prefix=True))
    assert terms_of("shard optim ")[-1] == Term("optim", "optim")
    assert terms_of("(optim)")[-1] == Term("optim", "optim")


def test_stop_words_count_only_when_there_is_nothing_else() -> None:
    assert [term.word for term in terms_of("how to split the model")] == ["split", "model"]
    assert [term.word for term in terms_of("what is it ")] == ["what", "is", "it"]
    assert [term.word for term in terms_of("to the")] == ["the"], "it may be the beginning of a word"
    assert all(words_of(word) == [word] for word in STOP)


def test_a_query_is_bounded() -> None:
    assert len(terms_of(" ".join(f"w{number}" for number in range(1000)))) == MOST_TERMS
    assert terms_of("a" * 10_000) == (Term("a" * 40, stem("a" * 40), prefix=True),)
    assert terms_of("🎉 … \0 --") == ()
    assert terms_of("same same SAME ") == (Term("same", "same"),)


def test_stemming_holds_under_threads() -> None:
    words = [f"{start}{end}" for start in ("train", "shard", "measur") for end in ("ing", "ed", "s", "es", "ement")]
    alone = {word: stem(word) for word in words}
    stem.cache_clear()
    wrong: list[str] = []

    def work() -> None:
        for _ in range(300):
            stem.cache_clear()
            wrong.extend(word for word in words if stem(word) != alone[word])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_marks_fall_on_what_is_shown() -> None:
    terms = terms_of("gradient cafe zer")
    assert marked("Gradients at the Café: ZeRO!", terms) == (
        Piece("Gradients", marked=True),
        Piece(" at the "),
        Piece("Café", marked=True),
        Piece(": "),
        Piece("ZeRO", marked=True),
        Piece("!"),
    )
    assert marked("nothing here", terms) == (Piece("nothing here"),)
    assert marked("", terms) == ()


def test_a_snippet_shows_the_place_with_most_of_the_words() -> None:
    text = "The ring turns. " + "Filler words follow here. " * 40 + "A ring passes each shard on. " + "And more. " * 60
    shown = snippet(text, terms_of("ring shard"))
    assert [piece.text for piece in shown if piece.marked] == ["ring", "shard"]
    assert (shown[0].text, shown[-1].text) == ("… ", " …")
    assert len("".join(piece.text for piece in shown)) <= WIDTH + 4


def test_a_snippet_is_the_beginning_where_nothing_is_found() -> None:
    text = "word " * 200
    shown = "".join(piece.text for piece in snippet(text, terms_of("other")))
    assert shown.startswith("word word")
    assert shown.endswith("word …")
    assert snippet("short", terms_of("other")) == (Piece("short"),)


@pytest.mark.parametrize("text", ["<b>ring</b>", "ring" * 400, "ring\u202e" * 50, "a" * 5000 + " ring"])
def test_pieces_of_a_snippet_are_pieces_of_the_text(text: str) -> None:
    shown = snippet(text, terms_of("ring"))
    inner = "".join(piece.text for piece in shown if piece.text not in ("… ", " …"))
    assert inner
    assert inner in text
