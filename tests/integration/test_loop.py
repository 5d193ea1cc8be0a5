"""The main loop through a real site, a real Celery worker, real Valkey and real boxes."""

from __future__ import annotations

import io
import re
import time
import zipfile
from collections.abc import Iterator

import httpx
import pytest
from websockets.exceptions import WebSocketException

from tests.integration.client import Client, exercise_files, lines
from tests.site_fixture import site  # noqa: F401  # a fixture
from tests.site_process import Site

pytestmark = pytest.mark.box
QUICK = "90_fixtures/arithmetic"  # limits of a few seconds
PEEK = "09_ab_testing/peek_safely"


@pytest.fixture(scope="module")
def learner(site: Site) -> Iterator[Client]:  # noqa: F811
    with Client(site) as client:
        yield client.sign_in()


def verdict(client: Client, exercise: str, files: dict[str, str], tier: str = "smoke") -> tuple[str, list[object]]:
    answer = client.submit(exercise, files, tier)
    assert answer.status_code == 201, answer.text
    messages = client.follow(answer.json()["ws_url"])
    return messages[-1]["verdict"], messages


def test_it_passes_the_solution_and_shows_the_numbers(learner: Client) -> None:
    answer = learner.submit(PEEK, exercise_files(PEEK, "solution"))
    messages = learner.follow(answer.json()["ws_url"])
    assert messages[-1]["verdict"] == "passed"
    assert lines(messages), "the live log was empty"
    report = learner.report(answer.json()["run"])
    assert report["verdict"] == "passed"
    assert {m["name"] for m in report["metrics"]} >= {"false_positive_rate", "power"}
    assert "Passed" in learner.http.get(answer.json()["panel_url"]).text


def test_it_fails_naive_peeking_by_its_false_positives(learner: Client) -> None:
    answer = learner.submit(PEEK, exercise_files(PEEK, "starter"))
    messages = learner.follow(answer.json()["ws_url"])
    assert messages[-1]["verdict"] == "failed"
    report = learner.report(answer.json()["run"])
    assert not all(m["passed"] for m in report["metrics"])
    assert report["hints"]


def test_all_of_a_person_comes_as_one_archive(learner: Client) -> None:
    answer = learner.post("/accounts/data/export/", {}, page=True)
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert "README.txt" in archive.namelist()


def test_it_grades_a_submit_on_the_cpu_tier(learner: Client) -> None:
    outcome, _ = verdict(learner, PEEK, exercise_files(PEEK, "solution"), "cpu")
    assert outcome == "passed"


def test_it_confirms_a_pass_by_a_second_run_on_another_seed(learner: Client) -> None:
    answer = learner.submit(QUICK, exercise_files(QUICK, "solution"), "cpu").json()
    assert learner.follow(answer["ws_url"])[-1]["verdict"] == "passed"
    second = re.search(r'href="/runs/([0-9a-f-]{36})/">See the second run', learner.http.get(answer["panel_url"]).text)
    assert second is not None
    assert learner.follow(f"/ws/runs/{second[1]}/")[-1]["verdict"] == "passed"
    first_report, second_report = learner.report(answer["run"]), learner.report(second[1])
    assert first_report["seed"] != second_report["seed"]
    assert (second_report["certified"], second_report["confirmed"]) == (True, True)
    text = learner.http.get(answer["panel_url"]).text
    assert "Confirmed" in text
    assert "badge gold" in text


@pytest.mark.lab
def test_it_trains_the_real_model_at_try(learner: Client) -> None:
    exercise = "02_peft_techniques/one_percent"
    answer = learner.submit(exercise, exercise_files(exercise, "solution")).json()
    messages = learner.follow(answer["ws_url"])
    assert messages[-1]["verdict"] == "passed"
    assert any("loss" in text for _, text in lines(messages)), "what the program prints while it trains is shown"
    values = {m["name"]: m["value"] for m in learner.report(answer["run"])["metrics"]}
    assert values["gain_recovered"] >= 0.75
    assert values["trained_share"] < 1


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("while True:\n    pass\n", "timed_out"),
        ("import os\nos._exit(0)\n", "crashed"),
        ("x = bytearray(10)\nwhile True:\n    x += bytearray(50_000_000)\n", "out_of_memory"),
        ("def broken(:\n", "crashed"),
        ("while True:\n    print('flood' * 1000)\n", "timed_out"),
    ],
    ids=["loops", "exits early", "eats memory", "syntax error", "floods the log"],
)
def test_it_ends_hostile_code_in_the_right_verdict_and_the_next_run_is_unaffected(
    learner: Client, code: str, expected: str
) -> None:
    outcome, messages = verdict(learner, QUICK, {"main.py": code})
    assert outcome == expected
    assert len(messages) < 6000
    control, _ = verdict(learner, QUICK, exercise_files(QUICK, "solution"))
    assert control == "passed"


def test_it_resumes_the_log_where_a_reader_left_off(learner: Client) -> None:
    answer = learner.submit(PEEK, exercise_files(PEEK, "solution")).json()
    first = learner.follow(answer["ws_url"])
    whole = lines(first)
    numbers = [n for n, _ in whole]
    assert numbers == sorted(set(numbers))
    again = learner.follow(answer["ws_url"], after=numbers[0])
    assert lines(again) == whole[1:]
    assert lines(learner.follow(answer["ws_url"])) == whole


def test_it_runs_a_lesson_cell_in_a_box(learner: Client) -> None:
    answer = learner.post("/lessons/09_ab_testing/cells/0/", {"code": "print('from', 'a box')\n6 * 7\n"})
    assert answer.status_code == 201, answer.text
    messages = learner.follow(answer.json()["ws_url"])
    shown = " ".join(text for _, text in lines(messages)) + " ".join(
        str(m["data"]) for m in messages if m["type"] == "output"
    )
    assert "from a box" in shown
    assert "42" in shown


def test_it_cancels_a_running_submission(learner: Client) -> None:
    name = next(iter(exercise_files(PEEK, "starter")))
    answer = learner.submit(PEEK, {name: "while True:\n    pass\n"}).json()
    learner.follow(answer["ws_url"], until="line")
    assert learner.post(f"/runs/{answer['run']}/cancel/", {}).status_code in (200, 202)
    assert learner.follow(answer["ws_url"])[-1]["verdict"] == "cancelled"


def test_it_shows_a_run_to_nobody_else(learner: Client, site: Site) -> None:  # noqa: F811
    answer = learner.submit(PEEK, exercise_files(PEEK, "solution")).json()
    learner.follow(answer["ws_url"])
    with Client(site) as stranger:
        stranger.http.get("/accounts/signup/")
        password = "a-long-enough-pass-9"
        fields = {"username": "stranger", "email": "s@example.org", "password1": password, "password2": password}
        assert stranger.post("/accounts/signup/", fields, page=True).status_code == 200
        for path in (f"/runs/{answer['run']}/", answer["panel_url"], f"/runs/{answer['run']}/log/"):
            assert stranger.http.get(path).status_code in (403, 404)
        with pytest.raises((WebSocketException, httpx.HTTPError, TimeoutError)):
            stranger.follow(answer["ws_url"], timeout_s=5)


def settled_history(learner: Client, seconds: float = 60) -> str:
    """The rows, once no run of an earlier test goes on."""
    deadline = time.monotonic() + seconds
    while True:
        rows = learner.http.get(f"/lessons/{PEEK}/history/").text
        if not re.search('badge (queued|running)"', rows) or time.monotonic() > deadline:
            return rows
        time.sleep(0.2)


def test_it_refuses_bad_input_at_the_field_and_stores_nothing(learner: Client) -> None:
    name = next(iter(exercise_files(PEEK, "starter")))
    before = settled_history(learner)
    cases = [
        {name: "x" * 2_000_000},
        {name: "\x00binary"},
        {"../escape.py": "x = 1"},
        {"naïve‮.py": "x = 1"},
        {f"file{i}.py": "x = 1" for i in range(1000)},
        {name: ""},
        {},
    ]
    for files in cases:
        answer = learner.submit(PEEK, files)
        assert answer.status_code == 422, (list(files)[:1], answer.status_code)
        errors = answer.json()["errors"]
        assert errors
        assert all(isinstance(text, str) and text for texts in errors.values() for text in texts)
    assert learner.submit("09_ab_testing/unknown", {name: "x = 1"}).status_code == 404
    assert settled_history(learner) == before
