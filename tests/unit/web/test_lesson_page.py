"""The lesson page: reading and quizzes are kept, pictures are only pictures, widgets have words."""

from __future__ import annotations

import struct
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from lessons.document import read_document, without_answers
from lessons.loader import load_course
from lessons.pictures import is_picture_name, picture_read
from lessons.widgets import WIDGETS, widget_read
from tests.unit.web.lessons import LESSON, LESSON_MD, SLUG, write_lessons
from webapp.accounts.models import User
from webapp.catalog.course import course_forget
from webapp.catalog.models import QuizAnswer, Reading
from webapp.catalog.quizzes import QuizResult, quiz_answer_keep

AsUser = Callable[[User], Client]
URL = f"/lessons/{LESSON}/"
JSON = {"accept": "application/json"}
FRONTEND = Path(__file__).resolve().parents[3] / "webapp" / "frontend" / "src" / "widgets"
WORDS = "What this widget shows, said in words that are long enough to be of use to somebody who does not see it."


def png(width: int = 3, height: int = 2) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress((b"\0" + b"\0" * width) * height)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A copy of the lesson that a test may change."""
    root = write_lessons(tmp_path / "copy")
    monkeypatch.setenv("RANKZERO_LESSONS", str(root))
    course_forget()
    yield root / LESSON
    monkeypatch.undo()
    course_forget()


def rewrite(folder: Path, old: str, new: str) -> None:
    path = folder / "lesson.md"
    path.write_text(path.read_text().replace(old, new))
    course_forget()


def answer(client: Client, quiz: str, given: str) -> Any:
    return client.post(f"{URL}quiz/{quiz}/", {"answer": given}, headers=JSON).json()


# Quizzes


def test_it_keeps_an_answer_and_shows_it_on_return(learner: User, peer: User, as_user: AsUser) -> None:
    ours = as_user(learner)
    assert "0 of 2 quizzes right" in ours.get(URL).content.decode()
    assert answer(ours, "half", "1")["tally"] == "1 of 2 quizzes right"
    text = ours.get(URL).content.decode()
    assert "1 of 2 quizzes right" in text
    assert 'value="1" required checked' in text
    assert "SECRET-REASON" in text
    assert "SECRET-REASON" not in as_user(peer).get(URL).content.decode()
    assert "SECRET-REASON" not in Client().get(URL).content.decode()


def test_it_counts_tries_and_what_was_right_stays_right(learner: User, as_user: AsUser) -> None:
    for given in ("0", "1", "0"):
        answer(as_user(learner), "half", given)
    row = QuizAnswer.objects.get(user=learner)
    assert (row.answer, row.correct, row.was_correct, row.tries) == ("0", False, True, 3)
    text = as_user(learner).get(URL).content.decode()
    assert "Not quite." in text
    assert "1 of 2 quizzes right" in text


def test_it_keeps_nothing_of_a_visitor_and_nothing_that_is_no_answer(learner: User, as_user: AsUser) -> None:
    assert answer(Client(), "half", "1")["tally"] == ""
    assert as_user(learner).post(f"{URL}quiz/half/", {"answer": "9"}, headers=JSON).status_code == 422
    assert not QuizAnswer.objects.exists()


def test_without_scripts_it_returns_to_the_quiz(learner: User, as_user: AsUser) -> None:
    found = as_user(learner).post(f"{URL}quiz/pi/", {"answer": "3.14"})
    assert (found.status_code, found["Location"]) == (302, f"{URL}#quiz-pi")
    wrong = as_user(learner).post(f"{URL}quiz/pi/", {"answer": "<b>pie"})
    assert wrong.status_code == 422
    assert "Write a number" in wrong.content.decode()
    assert "<b>pie" not in wrong.content.decode()


def test_an_answer_that_no_longer_fits_is_passed_over(folder: Path, learner: User, as_user: AsUser) -> None:
    answer(as_user(learner), "half", "2")
    rewrite(folder, 'options = ["1", "2", "THE-THIRD"]', 'options = ["1", "2"]')
    page = as_user(learner).get(URL)
    assert page.status_code == 200
    assert "0 of 2 quizzes right" in page.content.decode()


@pytest.mark.django_db(transaction=True)
def test_answers_at_the_same_time_are_all_counted(learner: User) -> None:
    result = QuizResult(correct=True, explanation_html="", answer="1", was_correct=True)
    ready, faults = threading.Barrier(8), list[BaseException]()

    def one() -> None:
        try:
            ready.wait()
            quiz_answer_keep(user=learner, lesson=LESSON, quiz="half", result=result)
        except BaseException as error:  # told below
            faults.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert QuizAnswer.objects.get(user=learner).tries == 8


def test_the_cached_page_carries_a_token_of_its_own_request(learner: User, as_user: AsUser) -> None:
    """Forms are rendered once for all readers; a token among them would let one act as another."""
    pages = [as_user(learner).get(URL), Client().get(URL)]
    for page in pages:
        text = page.content.decode()
        assert "the-token-of-this-request" not in text
        assert text.count('name="csrfmiddlewaretoken"') >= 5
    strict = Client(enforce_csrf_checks=True)
    token = strict.get(URL).content.decode().split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    good = strict.post(f"{URL}quiz/half/", {"answer": "1", "csrfmiddlewaretoken": token}, headers=JSON)
    assert good.status_code == 200
    assert strict.post(f"{URL}quiz/half/", {"answer": "1"}, headers=JSON).status_code == 403


def test_cells_offer_to_run_only_to_who_is_signed_in(learner: User, as_user: AsUser) -> None:
    assert "data-cell-run" in as_user(learner).get(URL).content.decode()
    assert "data-cell-run" not in Client().get(URL).content.decode()


# Reading


def report(client: Client, **fields: Any) -> Any:
    return client.post(f"{URL}read", fields, headers=JSON)


def test_it_keeps_what_was_read_and_where(learner: User, peer: User, as_user: AsUser) -> None:
    ours = as_user(learner)
    assert report(ours, section=["theory-concepts"], place="theory-concepts").status_code == 200
    body = report(ours, section=["prerequisites"], place="prerequisites").json()
    assert body == {"read": ["prerequisites", "theory-concepts"], "place": "prerequisites"}
    text = ours.get(URL).content.decode()
    assert "2 of 8 sections read" in text
    assert 'href="#prerequisites" data-resume-link>Prerequisites' in text
    assert "2 of 8" not in as_user(peer).get(URL).content.decode()


def test_it_passes_over_what_is_no_heading(learner: User, as_user: AsUser) -> None:
    assert report(as_user(learner), section=["x" * 5000, "next-steps"], place="<b>").status_code == 200
    row = Reading.objects.get(user=learner)
    assert (row.sections, row.place) == (["next-steps"], "")
    refused = report(as_user(learner), section=["nothing"], place="nowhere")
    assert refused.status_code == 422
    assert refused.json()["errors"]["section"]


def test_reading_is_for_accounts_and_for_lessons_that_are(learner: User, as_user: AsUser) -> None:
    assert report(Client(), section=["prerequisites"]).status_code == 401
    assert as_user(learner).post("/lessons/91_nothing/read", {"all": "1"}).status_code == 404
    assert as_user(learner).get(f"{URL}read").status_code == 405
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(f"{URL}read", {"all": "1"}).status_code == 403


def test_without_scripts_the_whole_lesson_is_marked(learner: User, as_user: AsUser) -> None:
    found = as_user(learner).post(f"{URL}read", {"all": "1"})
    assert (found.status_code, found["Location"]) == (302, f"{URL}#lesson-read")
    assert "You have read this lesson" in as_user(learner).get(URL).content.decode()
    assert Client().post(f"{URL}read", {"all": "1"})["Location"].startswith("/accounts/login/")


def test_a_beacon_is_not_sent_on_to_a_page(learner: User, as_user: AsUser) -> None:
    """It names no type that it wants, and follows redirects: each report once fetched the whole lesson."""
    fields = {"section": ["prerequisites"], "place": "prerequisites"}
    assert as_user(learner).post(f"{URL}read", fields, headers={"accept": "*/*"}).json()["read"] == ["prerequisites"]
    assert Client().post(f"{URL}read", fields, headers={"accept": "*/*"}).status_code == 401


def test_it_slows_down_who_reports_too_often(
    learner: User, peer: User, as_user: AsUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webapp.catalog.reading.REPORTS_PER_MINUTE", 2)
    monkeypatch.setattr("webapp.catalog.reading.time.time", lambda: 600.0)
    codes = [report(as_user(learner), place="prerequisites").status_code for _ in range(3)]
    assert codes == [200, 200, 429]
    assert report(as_user(peer), place="prerequisites").status_code == 200


def test_a_heading_that_went_counts_for_nothing(folder: Path, learner: User, as_user: AsUser) -> None:
    rewrite(folder, "More.\n", "### A detail\nMore.\n")
    report(as_user(learner), section=["a-detail"], place="a-detail")
    assert "1 of 9 sections read" in as_user(learner).get(URL).content.decode()
    rewrite(folder, "### A detail\n", "")
    text = as_user(learner).get(URL).content.decode()
    assert "data-resume-link" in text
    assert "#a-detail" not in text


def test_its_queries_do_not_grow_with_what_was_answered(
    learner: User, as_user: AsUser, django_assert_max_num_queries: Any
) -> None:
    client = as_user(learner)
    client.get(URL)
    with CaptureQueriesContext(connection) as captured:
        client.get(URL)
    before = len(captured)
    for quiz, given in (("half", "1"), ("pi", "3.14")):
        answer(client, quiz, given)
    client.post(f"{URL}read", {"all": "1"})
    with django_assert_max_num_queries(before):
        client.get(URL)


# Pictures


def test_it_serves_a_picture_of_the_lesson_with_its_size(folder: Path, db: None) -> None:
    (folder / "figures").mkdir()
    (folder / "figures" / "a.png").write_bytes(png(30, 20))
    rewrite(folder, "More.\n", '![A <b>plot</b>](figures/a.png "Its title")\n')
    text = Client().get(URL).content.decode()
    assert f'src="{URL}pictures/figures/a.png"' in text
    assert 'width="30" height="20"' in text
    assert "<b>plot" not in text
    found = Client().get(f"{URL}pictures/figures/a.png")
    assert (found.status_code, found["Content-Type"]) == (200, "image/png")
    assert found["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in found["Content-Security-Policy"]
    assert "script" not in found["Content-Security-Policy"]
    again = Client().get(f"{URL}pictures/figures/a.png", headers={"if-none-match": found["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    "name",
    [
        "lesson.md",
        "figures/b.png",
        "../course.toml",
        "%2e%2e/course.toml",
        f"exercises/{SLUG}/judge.py",
        "linked/c.png",
    ],
)
def test_it_serves_nothing_else_of_the_folder(folder: Path, name: str, db: None) -> None:
    """b.png is a good picture that the text does not refer to; linked/ is a link to another folder."""
    (folder / "figures").mkdir()
    for path in ("figures/a.png", "figures/b.png", "figures/c.png"):
        (folder / path).write_bytes(png())
    (folder / "linked").symlink_to(folder / "figures")
    rewrite(folder, "More.\n", f"![](figures/a.png) ![x](linked/c.png) ![y]({name})\n")
    if name == "figures/b.png":
        rewrite(folder, f"![y]({name})", "")
    assert Client().get(f"{URL}pictures/figures/a.png").status_code == 200
    assert Client().get(f"{URL}pictures/{name}").status_code == 404
    assert Client().get(URL).status_code == 200


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("https://example.org/a.png", "no picture of this lesson's folder"),
        ("/etc/a.png", "no picture of this lesson's folder"),
        ("../a.png", "no picture of this lesson's folder"),
        ("missing.png", "the file is missing"),
        ("text.png", "is not a PNG picture"),
        ("big.svg", "over the cap"),
    ],
)
def test_check_names_a_picture_that_cannot_be_shown(folder: Path, reference: str, said: str, db: None) -> None:
    (folder / "text.png").write_text("not a picture")
    (folder / "big.svg").write_text("<svg>" + " " * 1024 * 1024 + "</svg>")
    rewrite(folder, "More.\n", f"![The text]({reference})\n")
    problems = [str(error) for error in load_course([folder.parent]).errors]
    assert any(said in problem for problem in problems), problems
    text = Client().get(URL).content.decode()
    assert "The text" in text
    assert "<img" not in text


def test_names_of_pictures_are_plain_paths() -> None:
    assert is_picture_name("a/b-1_c.webp")
    for name in ("", "a.gif", ".png", "a//b.png", "a/../b.png", "a.png\n", "a b.png", "/a.png", "a\0.png"):
        assert not is_picture_name(name), name
        with pytest.raises(ValueError, match="no path"):
            picture_read(Path("/nowhere"), name)


# Widgets


def widget(name: str, more: str = "") -> str:
    return f'```widget {name}\ntitle = "T"\ntext = "{WORDS} | **bold** <script>"\n{more}\n```\n'


@pytest.mark.parametrize("name", WIDGETS)
def test_a_widget_has_words_without_scripts(folder: Path, name: str, db: None) -> None:
    rewrite(folder, "More.\n", widget(name))
    text = Client().get(URL).content.decode()
    assert f'data-widget="{name}"' in text
    assert "&quot;" in text.split("data-params=")[1].split(">")[0], "its parameters are quoted JSON"
    assert WORDS in text
    assert "<strong>bold</strong>" in text
    assert "<script>" not in text.split("data-widget=")[1]


def test_every_widget_has_its_script_and_every_script_its_name() -> None:
    assert {path.stem for path in FRONTEND.glob("*.ts")} == set(WIDGETS)


@pytest.mark.parametrize(
    ("name", "more", "said"),
    [
        ("perpetuum", "", f"there is no widget 'perpetuum'; there are {', '.join(WIDGETS)}"),
        ("", "", "there is no widget ''"),
        ("peeking", "looks = 0", "looks"),
        ("peeking", "loks = 5", "loks"),
        ("zero_memory", 'precision = "fp7"', "precision"),
        ("zero_memory", "stage =", "not TOML"),
        ("pipeline", "stages = 1", "stages"),
        ("all_reduce", "bucket = 0", "bucket"),
    ],
)
def test_check_refuses_a_wrong_widget_and_the_page_stays_whole(
    folder: Path, name: str, more: str, said: str, db: None
) -> None:
    rewrite(folder, "More.\n", widget(name, more))
    problems = [str(error) for error in load_course([folder.parent]).errors]
    assert any(said in problem and "line " in problem for problem in problems), problems
    text = Client().get(URL).content.decode()
    assert "This part of the lesson is broken" in text
    assert "Best Practices" in text


def test_a_widget_needs_words() -> None:
    with pytest.raises(ValueError, match="text"):
        widget_read("peeking", 'title = "T"\ntext = "See above."')


# The source


def test_the_source_tells_no_answer(db: None) -> None:
    found = Client().get(f"{URL}lesson.md")
    assert found["Content-Type"] == "text/plain; charset=utf-8"
    text = found.content.decode()
    assert "## Theory & Concepts" in text
    assert "What is half of **4**?" in text
    assert "THE-THIRD" in text
    for secret in ("SECRET-REASON", "answer = 1", "3.14", "explanation"):
        assert secret not in text
    assert [cell.code for cell in read_document(text).cells] == [cell.code for cell in read_document(LESSON_MD).cells]


def test_a_quiz_that_cannot_be_read_is_not_shown_in_the_source() -> None:
    assert "42" not in without_answers('a\n```quiz\nanswer = 42\nid = "x"\n```\nb\n')
    assert without_answers("~~~~quiz\nanswer = 42\n~~~\nanswer = 42") == (
        "~~~~quiz\n# This quiz cannot be read.\n~~~~\n"
    )


def test_it_links_to_the_public_source_of_our_own_lessons(settings: Any, db: None) -> None:
    settings.SOURCE_URL = "https://code.example.org/blob/main"
    ours = Client().get("/lessons/09_ab_testing/").content.decode()
    assert 'href="https://code.example.org/blob/main/lessons/09_ab_testing/lesson.md"' in ours
    assert f'href="{URL}lesson.md"' in Client().get(URL).content.decode(), "a private lesson has no public source"


def test_headings_link_to_themselves_and_no_style_attribute_is_left(folder: Path, db: None) -> None:
    rewrite(folder, "More.\n", "### One [link](https://example.org)\n\n| a |\n|--:|\n| 1 |\n")
    text = Client().get(URL).content.decode()
    assert 'href="#best-practices"' in text
    assert '<h3 id="one-link">One <a href="https://example.org"' in text, "no link within a link"
    assert '<td class="align-right">' in text
    assert ' style="' not in text
