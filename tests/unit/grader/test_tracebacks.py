"""What a learner is told about an exception of theirs."""

from __future__ import annotations

import json

import pytest

from grader.context import RunContext
from grader.errors import Rejected
from grader.tracebacks import render
from tests.fixtures.exercises import fixture_exercise

SOURCE = "def add(a, b):\n    return a / 0\n"


def context(tier) -> RunContext:
    manifest = fixture_exercise("arithmetic").manifest
    return RunContext(
        exercise="x/y",
        folder=fixture_exercise("arithmetic").folder,
        manifest=manifest,
        tier=tier,
        limits=manifest.limits_for(tier),
        files={"main.py": SOURCE.encode()},
        assets={},
        backend=None,
        emit=lambda event: None,
    )


def told(tier, kind="ZeroDivisionError", message="secret 42", frames=(("/work/main.py", 2),)) -> str:
    payload = json.dumps({"type": kind, "message": message, "frames": list(frames)}).encode()
    return render(payload, context(tier), "answering add()")


def test_it_shows_place_line_and_message_at_smoke():
    text = told("smoke")
    assert text.splitlines() == [
        "The program raised an exception while answering add():",
        "  main.py, line 2",
        "    return a / 0",
        "ZeroDivisionError: secret 42",
    ]


def test_it_shows_place_but_not_the_message_where_inputs_are_hidden():
    text = told("cpu")
    assert "main.py, line 2" in text
    assert "return a / 0" in text
    assert "ZeroDivisionError" in text
    assert "secret 42" not in text


@pytest.mark.parametrize("frames", [[("/work/secret42.py", 1)], [("secret42", 7)], [("/work/main.py", 42000)]])
def test_it_takes_only_places_of_the_submission_where_inputs_are_hidden(frames):
    text = told("cpu", kind="Secret42Error", frames=frames)
    assert "42" not in text
    assert "exception of its own" in text


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"nope",
        b"[" * 60_000,
        json.dumps({"type": 1, "message": "", "frames": []}).encode(),
        json.dumps({"type": "E", "message": "", "frames": [["a"]]}).encode(),
        json.dumps({"type": "E", "message": "", "frames": [["a", "b"]]}).encode(),
        json.dumps({"type": "E", "message": "", "frames": 3}).encode(),
        json.dumps({"type": "E", "message": "", "frames": [], "verdict": "passed"}).encode(),
    ],
)
def test_it_rejects_a_forged_report(payload):
    with pytest.raises(Rejected, match="malformed report"):
        render(payload, context("smoke"), "answering add()")


def test_it_caps_what_it_shows():
    text = told("smoke", message="x" * 10_000, frames=[("/work/main.py", 1)] * 500)
    assert len(text) < 6000
