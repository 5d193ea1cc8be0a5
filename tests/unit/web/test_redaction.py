"""No secret of the platform reaches a learner; all other text comes through as it was."""

from __future__ import annotations

from typing import Any

import pytest

from grader.events import Event, LogEvent, OutputEvent, ProgressEvent
from webapp.submissions.livelog import entry_of
from webapp.submissions.redaction import SHOWN, platform_secrets, redact, redacted

KEY, DATABASE, REDIS, MAIL, OIDC, METRICS = (
    "the-signing-key-of-this-site", "p@ss/word-of-the-database", "redis-pass%2Fword", "mail-password-1",
    "oidc-client-secret", "metrics-token-1",
)  # fmt: skip


@pytest.fixture(autouse=True)
def secrets(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "PASSWORD", DATABASE)
    settings.SECRET_KEY = KEY
    settings.REDIS_URL = f"redis://:{REDIS}@broker:6379/0"
    settings.EMAIL_HOST_PASSWORD = MAIL
    settings.METRICS_TOKEN = METRICS
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [{"client_id": "rank-zero", "secret": OIDC}]}}


@pytest.mark.parametrize("secret", [KEY, DATABASE, REDIS, "redis-pass/word", MAIL, OIDC, METRICS])
def test_it_replaces_every_secret_wherever_it_stands(secret: str) -> None:
    assert redact(f"cannot reach {secret}: refused") == f"cannot reach {SHOWN}: refused"
    assert redact(secret * 2) == SHOWN * 2


@pytest.mark.parametrize("text", ["", "loss 0.25", "rank-zero", "secret", "[redacted]", "password", "…é\x1b[31m"])
def test_it_leaves_other_text_alone(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "event",
    [
        LogEvent(stream="err", text=f"Error at redis://:{REDIS}@broker"),
        LogEvent(stream="out", text=f"{KEY[:9]}\x1b[31m\x00{KEY[9:]} {MAIL}".replace("\x1b[31m", "")),
        ProgressEvent(text=f"using {METRICS}", done=None),
        OutputEvent(kind="text", data=f"{OIDC}\n"),
        OutputEvent(kind="table", data={"columns": [KEY], "rows": [[1, DATABASE]], "total": 1}),
    ],
)
def test_no_entry_of_a_log_carries_one(event: Event) -> None:
    shown = str(entry_of(event))
    assert SHOWN in shown
    assert not any(secret in shown for secret in platform_secrets())


def test_it_looks_into_reports_at_any_depth_and_keeps_their_shape() -> None:
    report = {"checks": [{"name": "a", "passed": True, "feedback": f"it printed {KEY}"}], "score": 0.5, "seed": None}
    clean = redacted(report)
    assert clean == {**report, "checks": [{"name": "a", "passed": True, "feedback": f"it printed {SHOWN}"}]}
    assert redacted({"log_tail": ["fine"], "n": 3}) == {"log_tail": ["fine"], "n": 3}


def test_words_that_learners_may_print_are_no_secrets(settings: Any) -> None:
    settings.EMAIL_HOST_PASSWORD = "word"
    assert redact("a word") == "a word"
    assert "word" not in platform_secrets()


def test_a_secret_cut_by_the_cap_of_a_line_does_not_show_its_beginning() -> None:
    entry = entry_of(LogEvent(stream="out", text="x" * 3_990 + KEY))
    assert KEY[:8] not in entry["text"]
