"""Search in the database. `scripts/services.py run` has this module run on PostgreSQL, too."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from tests.unit.web.lessons import EXERCISE_ID, LESSON, SLUG, write_lessons
from webapp.accounts.models import User
from webapp.catalog.course import course_forget
from webapp.catalog.models import SearchDocument, SearchState
from webapp.catalog.search import index, sources
from webapp.catalog.search.finding import PER_PAGE, find
from webapp.catalog.search.index import index_refresh, refresh_ask
from webapp.catalog.search.lessons import math_text, sections_of
from webapp.catalog.search.sources import Document, Source
from webapp.catalog.services import catalog_sync

JSON = {"accept": "application/json"}
URL = f"/lessons/{LESSON}/"
Corpus = Callable[..., None]
Asked = list[str]


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the lessons that a test may change."""
    root = write_lessons(tmp_path / "copy")
    monkeypatch.setenv("RANKZERO_LESSONS", str(root))
    course_forget()
    yield root / LESSON
    monkeypatch.undo()
    course_forget()


@pytest.fixture
def corpus(db: None, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    """Index these documents, and nothing else."""

    def fill(*documents: Document, kind: str = "lesson") -> None:
        source = Source(kind=kind, one=kind.title(), many=f"{kind.title()}s", read=lambda: documents)
        monkeypatch.setattr(sources, "_sources", {kind: source})
        index_refresh()

    return fill


def document(key: str, title: str = "", **more: Any) -> Document:
    return Document(**{"key": key, "title": title, "text": "", "url": f"/{key}", "is_page": True, **more})


def urls(query: str, **more: Any) -> list[str]:
    return [hit.url for hit in find(query, **more).hits]


def test_the_course_is_found_by_its_parts(db: None) -> None:
    catalog_sync()
    assert urls("small lesson")[0] == URL
    assert urls("numbers may be large")[0] == f"{URL}#theory-concepts"
    assert urls("double")[0] == f"{URL}{SLUG}/"
    assert urls("error_rate", kind="exercise") == [f"{URL}{SLUG}/"], "an exercise is found by its metrics"
    assert find("2x", kind="prompt").hits[0].kind_name == "Task"
    assert urls("pi to two digits")[0] == f"{URL}#prerequisites", "quizzes are found by their questions"


def test_answers_solutions_and_planned_lessons_are_not_found(db: None) -> None:
    catalog_sync()
    rows = SearchDocument.objects.filter(url__startswith=URL)
    indexed = " ".join(f"{row.title} {row.heading} {row.text} {row.body_words}" for row in rows).lower()
    assert "what is half of 4?" in indexed
    for hidden in ("secret", "solution", "the-third"):
        assert hidden not in indexed
    assert SearchDocument.objects.filter(key=f"lesson:{LESSON}").exists()
    assert not SearchDocument.objects.filter(key="lesson:10_mlops_cicd").exists()


def test_titles_come_before_headings_before_texts(corpus: Corpus) -> None:
    corpus(
        document("c", "Other", text="one ring among many more words that say nothing at all " * 3),
        document("b", "Other", heading="The ring", text="words", is_page=False),
        document("a", "The ring", text="words"),
        document("d", "Other", text="unrelated"),
    )
    assert urls("ring") == ["/a", "/b", "/c"]
    assert urls("rin") == ["/a", "/b", "/c"], "beginnings rank alike"


def test_a_repeated_word_does_not_beat_a_title(corpus: Corpus) -> None:
    corpus(document("a", "Other", text="ring " * 300), document("b", "Ring of ranks", text="all of it"))
    assert urls("ring") == ["/b", "/a"]


def test_what_ranks_alike_keeps_its_order(corpus: Corpus) -> None:
    corpus(*(document(f"k{number}", "Same title", text="same text") for number in (3, 1, 2)))
    assert urls("same") == ["/k1", "/k2", "/k3"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("gradient", True),
        ("GRADIENTS", True),
        ("gradi", True),
        ("gradi shard", False),  # only the last word may be a beginning
        ("shard gradi", True),
        ("resume", True),
        ("Résumé", True),
        ("all-reduce", True),
        ("all_reduce", True),
        ("allreduce", False),
        ("distributeddata", True),
        ("日本", True),
        ("1e5", True),
        ("2x 0x1f", True),
        ("3.14", True),
        ("gradient missing", False),
        ("how are the gradients sharded", True),
    ],
)
def test_words_are_found_in_their_forms(query: str, found: bool, corpus: Corpus) -> None:
    text = "Résumé: sharding gradients by all_reduce with DistributedDataParallel, 日本語, 1e5, 2x, 0x1f, 3.14"
    corpus(document("a", "Title", text=text), document("b", "Else", text="nothing of it"))
    answer = find(query)
    assert ([hit.url for hit in answer.hits] == ["/a"] and answer.every) is found


def test_some_of_the_words_are_better_than_nothing(corpus: Corpus) -> None:
    corpus(document("a", "Ring"), document("b", "Shard"), document("c", "Else"))
    answer = find("ring shard")
    assert (answer.every, answer.total, {hit.url for hit in answer.hits}) == (False, 2, {"/a", "/b"})


HOSTILE = [
    '"', "'", '"ring', "ring OR", "NOT ring", "ring NEAR/3 shard", "title_words:ring", "* ^ring", "ring*", "(ring",
    "-ring", "ring'); DROP TABLE catalog_searchdocument; --", "\0", "ring\0shard", "\ud83d", "🎉", "a" * 10_000,
    "ring " * 2_000, "%s %(kind)s", "& | ! <-> :*", "the of and", "\\", "''':*", "ring:A", "\u202e\u200b", "$$", "{}",
    "{{ 7 }}", "ﷺ" * 300, "½" * 300,
]  # fmt: skip


@pytest.mark.parametrize("query", HOSTILE, ids=[repr(query[:24]) for query in HOSTILE])
def test_nothing_that_is_typed_is_an_error(query: str, corpus: Corpus) -> None:
    corpus(document("a", "The ring", text="of ranks and shards"))
    typed = query.encode("utf-8", "surrogatepass")
    for accept in ("text/html", "application/json"):
        answer = Client().get(
            "/search/", {"q": typed, "kind": query[:50].replace("\ud83d", "")}, headers={"accept": accept}
        )
        assert answer.status_code == 200
    assert find(query, kind=query).page == 1
    assert urls("ring") == ["/a"]


@pytest.mark.parametrize("page", ["0", "-1", "2", "99999999999999999999", "²", "x", "", "1e3"])
def test_any_page_is_one_that_there_is(page: str, corpus: Corpus) -> None:
    corpus(document("a", "The ring"))
    assert b'href="/a"' in Client().get("/search/", {"q": "ring", "page": page}).content


def test_pages_of_results_are_all_of_them_once(corpus: Corpus) -> None:
    corpus(*(document(f"k{number:03}", "Same") for number in range(PER_PAGE * 2 + 3)))
    pages = [urls("same", page=page) for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [PER_PAGE, PER_PAGE, 3]
    assert [url for page in pages for url in page] == [f"/k{number:03}" for number in range(PER_PAGE * 2 + 3)]
    second = Client().get("/search/", {"q": "same", "page": "2"}).content.decode()
    assert 'rel="prev"' in second
    assert 'rel="next"' in second
    assert f'start="{PER_PAGE + 1}"' in second
    last = Client().get("/search/", {"q": "same", "page": "3"}).content.decode()
    assert 'rel="next"' not in last


def test_kinds_are_counted_and_filtered(db: None) -> None:
    catalog_sync()
    answer = find("double", kind="exercise")
    counts = {kind.kind: kind.count for kind in answer.kinds}
    assert answer.total == counts["exercise"]
    assert {hit.kind for hit in answer.hits} == {"exercise"}
    assert find("double").total == sum(counts.values())
    page = Client().get("/search/", {"q": "double", "kind": "exercise"}).content.decode()
    assert page.count('aria-current="true"') == 1


def test_found_words_are_marked_and_nothing_is_html(corpus: Corpus) -> None:
    corpus(document("a", "<script>alert(1)</script> ring", text='<img src=x onerror="x"> the ring & more'))
    page = Client().get("/search/", {"q": 'ring "><script>'}).content.decode()
    assert "<mark>ring</mark>" in page
    assert "&lt;img" in page
    assert "<img src=x" not in page
    assert "alert(1)</script>" not in page
    hit = Client().get("/search/", {"q": "ring"}, headers=JSON).json()["hits"][0]
    assert ["ring", True] in hit["text"]
    assert hit["title"][0][1] is False


def test_it_shows_what_to_do_when_nothing_is_found(db: None) -> None:
    catalog_sync()
    for query, words in (("", "by any word"), ("qqqq", "Try fewer"), ("!!", "no letters or digits")):
        page = Client().get("/search/", {"q": query}).content.decode()
        assert words in page, query
        assert f'href="{URL}"' in page, "the lessons are offered"
    assert "10_mlops_cicd" not in page
    other = Client().get("/search/", {"q": "numbers may be large", "kind": "exercise"}).content.decode()
    assert "Nothing of this kind" in other


def test_json_is_chosen_by_what_is_accepted(db: None) -> None:
    catalog_sync()
    answer = Client().get("/search/", {"q": "double"}, headers=JSON)
    assert answer["Content-Type"] == "application/json"
    assert "Accept" in answer["Vary"]
    assert Client().get("/search/", {"q": "double"})["Content-Type"].startswith("text/html")
    assert Client().post("/search/").status_code == 405


@pytest.mark.parametrize("query", ["double", "numbers double pi", "qqqq zzzz", ""])
def test_the_number_of_queries_is_bounded(query: str, db: None, django_assert_max_num_queries: Any) -> None:
    catalog_sync()
    refresh_ask()
    with django_assert_max_num_queries(3):
        assert Client().get("/search/", {"q": query}).status_code == 200


def test_a_refresh_writes_what_changed_alone(copied: Path, db: None) -> None:
    first = index_refresh()
    assert first.written == first.documents > 10
    assert index_refresh().written == 0
    lesson = copied / "lesson.md"
    lesson.write_text(lesson.read_text().replace("Numbers may be *large*.", "Quantities may be vast."))
    course_forget()
    assert (index_refresh().written, urls("vast")) == (1, [f"{URL}#theory-concepts"])
    assert f"{URL}#theory-concepts" not in urls("large")
    (copied / "exercises" / SLUG / "judge.py").unlink()
    course_forget()
    assert index_refresh().removed == 2, "the exercise and its prompt"
    assert not SearchDocument.objects.filter(key__contains=EXERCISE_ID).exists()
    assert index_refresh(everything=True).written == first.documents - 2


def test_a_moved_exercise_is_found_at_its_new_place(copied: Path, db: None) -> None:
    catalog_sync()
    (copied / "exercises" / SLUG).rename(copied / "exercises" / "renamed")
    catalog_sync()
    assert urls("double it", kind="exercise") == [f"{URL}renamed/"]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    names: list[str] = []
    monkeypatch.setattr(index.app, "send_task", lambda name, **_: names.append(name))
    monkeypatch.setattr(index, "_seen", index._Seen())
    cache.clear()
    return names


def test_a_search_asks_once_for_a_stale_index_to_be_refreshed(copied: Path, db: None, asked: Asked) -> None:
    catalog_sync()
    find_it = lambda: Client().get("/search/", {"q": "ring"})  # noqa: E731
    find_it()
    assert asked == []
    lesson = copied / "lesson.md"
    lesson.write_text(lesson.read_text() + "A ring.\n")
    course_forget()
    find_it(), find_it()
    assert asked == [index.REFRESH]
    from webapp.catalog.tasks import search_refresh

    search_refresh()
    assert b"#next-steps" in find_it().content
    cache.clear()
    find_it()
    assert asked == [index.REFRESH], "a fresh index is left alone"


def test_a_search_works_without_a_broker(db: None, asked: Asked, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    catalog_sync()
    SearchState.objects.all().delete()

    def away(*_: object, **__: object) -> None:
        raise ConnectionRefusedError("nobody there")

    monkeypatch.setattr(index.app, "send_task", away)
    assert Client().get("/search/", {"q": "double"}).status_code == 200
    assert "nobody there" in caplog.text


def test_the_digest_knows_every_change(copied: Path, db: None) -> None:
    seen = {index.content_digest()}
    for name, old, new in (
        ("lesson.md", "title: A small lesson", "title: Another lesson"),
        ("lesson.md", "summary: Doubles", "summary: Halves"),
        ("lesson.md", "Test.", "Tests."),
        (f"exercises/{SLUG}/prompt.md", "Double", "Twice"),
        (f"exercises/{SLUG}/exercise.toml", "Double it", "Two times"),
    ):
        path = copied / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        course_forget()
        seen.add(index.content_digest())
    assert len(seen) == 6


def test_the_command_searches_and_rebuilds(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("search", "--rebuild", "double", "it")
    printed = capsys.readouterr().out
    assert "documents indexed" in printed
    assert f"{URL}{SLUG}/" in printed
    assert "*Double*" in printed
    with pytest.raises(SystemExit, match="1"):
        call_command("search", "qqqq")
    with pytest.raises(CommandError, match="--rebuild"):
        call_command("search")


def test_the_index_follows_its_table(corpus: Corpus) -> None:
    """Whatever writes the rows: the databases keep their own index equal to them."""
    corpus(document("a", "The ring"), document("b", "The shard"))
    SearchDocument.objects.filter(key="a").update(title_words="turned")
    assert urls("ring") == []
    assert urls("turned") == ["/a"]
    SearchDocument.objects.filter(key="a").delete()
    assert urls("turned") == []
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO catalog_search_words(catalog_search_words, rank) VALUES ('integrity-check', 1)")


def test_a_quick_answer_from_two_thousand_documents(corpus: Corpus) -> None:
    """In the processor's time, which a busy machine does not stretch; the bound is ten times what it takes."""
    names = [f"word{number}" for number in range(400)]
    corpus(*(document(f"k{n:04}", names[n % 400], text=" ".join(names[n % 37 :: 7]) + " common") for n in range(2000)))
    start = time.process_time()
    for query in ("word7", "common", "word1 common", "wor", "missing"):
        find(query)
    assert time.process_time() - start < 2


def test_sections_follow_the_anchors_of_the_page() -> None:
    text = "Before.\n\n## One *two*\nA `b` $x^2 \\cdot \\alpha$.\n\n### Same\nC\n\n### Same\nD\n"
    text += "```mermaid\ngraph\n```\n```widget x\n```\n"
    found = [(section.anchor, section.heading, section.text) for section in sections_of(text)]
    assert found == [
        ("", "", "Before."),
        ("one-two", "One two", "A b x^2 · α."),
        ("same", "Same", "C"),
        ("same-1", "Same", "D"),
    ]
    assert math_text(r"\frac{a}{b} \le \text{rank}").split() == ["a", "b", "≤", "rank"]


def test_commands_are_those_of_the_person_who_asks(
    learner: User, instructor: User, as_user: Callable[[User], Client]
) -> None:
    def ids(client: Client) -> dict[str, dict[str, str]]:
        answer = client.get("/search/commands/")
        assert "no-store" in answer["Cache-Control"]
        return {command["id"]: command for command in json.loads(answer.content)["commands"]}

    visitor, signed_in = ids(Client()), ids(as_user(learner))
    assert {"home", "login", f"lesson:{LESSON}", f"exercise:{EXERCISE_ID}"} <= visitor.keys()
    assert "lesson:10_mlops_cicd" not in visitor, "planned lessons have no page"
    assert "logout" not in visitor
    assert signed_in["logout"]["method"] == "post"
    assert "login" not in signed_in
    assert {"continue", "progress", "plan"} <= signed_in.keys()
    assert not {"continue", "reviews"} & visitor.keys()
    assert "reviews" not in signed_in
    assert ids(as_user(instructor))["reviews"]["note"] == "0 wait"
    for command in [*visitor.values(), *signed_in.values()]:
        assert command["url"].startswith("/")
        assert command["title"]


def test_commands_cost_few_queries(
    learner: User, as_user: Callable[[User], Client], django_assert_max_num_queries: Any
) -> None:
    client = as_user(learner)
    with django_assert_max_num_queries(12):
        client.get("/search/commands/")
