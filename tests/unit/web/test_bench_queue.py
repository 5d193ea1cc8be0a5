"""`bench queue`: what it makes of its measurements. The measurements themselves run in tests/integration."""

from __future__ import annotations

import json

import pytest

from webapp.accounts.models import User
from webapp.submissions.bench_queue import claims, people, report, suite
from webapp.submissions.bench_queue.goals import goals
from webapp.submissions.bench_queue.learner import is_start
from webapp.submissions.bench_queue.site import LESSONS
from webapp.submissions.models import Run, Status


@pytest.mark.parametrize(
    ("order", "off"),
    [("abcabcabc", 0), ("abccbaabc", 0), ("aabbcc", 1), ("aaabbb", 1), ("aaaabbbb", 2), ("abababababcccccc", 3)],
    ids=str,
)
def test_it_tells_a_round_robin_from_a_row_of_favours(order: str, off: int) -> None:
    assert claims.rounds_off([ord(letter) for letter in order]) == off


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("woken")
def test_it_claims_a_real_queue_to_its_end() -> None:
    found = claims.main(3, 4)
    assert (found["runs"], len(found["claim_s"])) == (12, 12)
    assert found["rounds_off"] <= 1
    assert set(Run.objects.values_list("queue", "status")) == {("gpu", Status.DONE)}
    summary = suite.summarised(found)
    assert (summary["long"]["waiting"], summary["short"]["waiting"]) == (12, 6)


@pytest.mark.django_db
def test_its_learners_are_signed_in(client: object) -> None:
    (key,) = people.main(1)
    assert isinstance(key, str)
    client.cookies["sessionid"] = key  # type: ignore[attr-defined]
    assert client.get("/").context["user"] == User.objects.get(username="bench0")  # type: ignore[attr-defined]


def test_its_exercise_is_there() -> None:
    assert (LESSONS / "90_steadiness" / "exercises" / "nothing" / "exercise.toml").is_file()


@pytest.mark.parametrize(
    ("message", "starts"),
    [
        ({"type": "status", "status": "queued"}, False),
        ({"type": "status", "status": "running"}, True),
        ({"type": "line", "text": "Started."}, True),
        ({"type": "progress"}, False),
    ],
    ids=str,
)
def test_a_start_is_what_the_page_shows_as_one(message: dict[str, str], starts: bool) -> None:
    assert is_start(message) is starts


def document(*, p50: float = 200.0, p95: float = 400.0, off: int = 0, ratio: float = 1.1) -> dict[str, object]:
    found = {"p50_ms": p50, "p95_ms": p95, "max_ms": 500.0, "samples_ms": [p50]}
    clicks = dict.fromkeys(("accepted_s", "started_s", "verdict_s", "shown_s"), found)
    return {
        "date": "2026-11-23T12:00:00+00:00",
        "machine": {"cpu": "x", "cores": 2, "memory_mib": 1, "system": "y", "accounting": "z", "uid": 0},
        "versions": {"python": "3.11"},
        "load_average_1m": {"before": 0.1, "after": 0.2},
        "clicks": {"rounds": 1, "floor": {"the box alone": found, "the grade alone": found}, "click": clicks},
        "saturation": {"learners": 20, "runs": 200, "seconds": 60.0, "runs_per_minute": 200.0, "verdict": found},
        "claims": {
            "learners": 100, "runs": 5000, "rounds_off": off, "enqueue_ms": 1.0, "long_over_short": ratio,
            "long": {"waiting": 5000, **found}, "short": {"waiting": 50, **found},
        },
    }  # fmt: skip


def test_each_goal_is_met_or_not_by_its_own_figure() -> None:
    assert [goal.met for goal in goals(document())] == [True] * 4
    missed = document(p50=501.0, p95=1001.0, off=2, ratio=2.1)
    assert [goal.met for goal in goals(missed)] == [False] * 4


def test_a_person_reads_figures_and_goals() -> None:
    found = document()
    text = "\n".join(report.lines({**found, "goals": [goal.as_json() for goal in goals(found)]}))
    assert "click until the verdict" in text
    assert "20 learners at once, 200 runs: 200 runs a minute" in text
    assert "of 5000 waiting" in text
    assert text.count("met") == 4
    json.dumps(found)


def test_rounds_replace_those_of_clicks() -> None:
    assert suite.Effort.chosen(quick=True, rounds=2).rounds == 2
    whole = suite.Effort.chosen(quick=False, rounds=None)
    assert whole.queue_learners * whole.queue_each == 5_000
    assert whole.learners * whole.each == 200
