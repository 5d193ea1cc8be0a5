"""Log lines: text or JSON, each with its run, none with a secret."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site

from webapp.config.logs import JsonFormatter, RunFilter, SecretsFilter, run_logging
from webapp.config.tree import json_line

ROOT = Path(__file__).resolve().parents[3]
FAIL = """
import logging, django
django.setup()
from webapp.config.logs import run_logging
log = logging.getLogger("webapp.submissions.execution")
with run_logging("abc", queue="cpu", tier="cpu", tries=2):
    log.info("several\\nlines of %s", "text")
    try:
        1 / 0
    except ZeroDivisionError:
        log.exception("it failed")
log.info("of no run")
"""


def handled(format_class: logging.Formatter) -> tuple[logging.Logger, io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(format_class)
    for each in (RunFilter(), SecretsFilter()):
        handler.addFilter(each)
    logger = logging.Logger("test")  # noqa: LOG001  # of its own: nothing else writes to it
    logger.addHandler(handler)
    return logger, stream


def output(log_format: str) -> str:
    env = {**os.environ, "RANKZERO_LOG_FORMAT": log_format, "DJANGO_SETTINGS_MODULE": "webapp.config.settings"}
    argv = [sys.executable, "-c", FAIL]
    return subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=True).stderr


def test_each_line_is_one_object_with_its_run_and_its_exception() -> None:
    first, second, third = (json.loads(line) for line in output("json").splitlines())
    for line in (first, second):
        assert (line["run"], line["queue"], line["tier"], line["tries"]) == ("abc", "cpu", "cpu", 2)
        assert line["logger"] == "webapp.submissions.execution"
    assert (first["level"], first["message"]) == ("INFO", "several\nlines of text")
    assert second["level"] == "ERROR"
    assert "ZeroDivisionError: division by zero" in second["exception"]
    assert "run" not in third
    assert third["time"].endswith("+00:00")


def test_text_lines_carry_the_run_too() -> None:
    said = output("text")
    assert "INFO webapp.submissions.execution [run abc]: several" in said
    assert "ZeroDivisionError: division by zero" in said
    assert "INFO webapp.submissions.execution: of no run" in said


@pytest.mark.parametrize("formatter", [JsonFormatter(), logging.Formatter("%(message)s%(run)s")], ids=["json", "text"])
def test_no_secret_is_written(formatter: logging.Formatter, settings: Any) -> None:
    settings.METRICS_TOKEN = "token-of-a-test"
    logger, stream = handled(formatter)
    logger.warning("cannot reach %s", "redis://:token-of-a-test@host")
    try:
        raise OSError(f"at {settings.METRICS_TOKEN}")
    except OSError:
        logger.exception("%d of %d failed", 1, 2)
    assert "token-of-a-test" not in stream.getvalue()
    assert stream.getvalue().count("[redacted]") == 2
    assert "1 of 2 failed" in stream.getvalue()


def test_nested_runs_end_in_order() -> None:
    logger, stream = handled(JsonFormatter())
    with run_logging("a", tier="cpu"):
        with run_logging("b"):
            logger.info("inner")
        logger.info("outer")
    inner, outer = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (inner["run"], inner.get("tier"), outer["run"], outer["tier"]) == ("b", None, "a", "cpu")


@pytest.mark.parametrize("text", ["# 12:00 Valkey is ready", "[1, 2]", '"quoted"', "{broken", ""])
def test_what_a_part_writes_as_text_becomes_an_object(text: str) -> None:
    found = json.loads(json_line("valkey", text))
    assert (found["part"], found["message"]) == ("valkey", text)


def test_an_object_of_a_part_gets_the_part_s_name_and_nothing_else() -> None:
    assert json.loads(json_line("web", '{"message": "m", "run": "r"}')) == {"message": "m", "run": "r", "part": "web"}


def test_the_format_is_one_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    assert site.LOG_FORMAT in ("text", "json")
    done = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "RANKZERO_LOG_FORMAT": "xml"},
    )  # fmt: skip
    assert done.returncode != 0
    assert "write one of text, json" in done.stderr
