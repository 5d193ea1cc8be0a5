"""Log lines as text or as JSON. Those that belong to a run carry its id, whichever module writes them."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from typing_extensions import override

from webapp.submissions.redaction import redact

_PLAIN = logging.Formatter()
current_run: ContextVar[dict[str, str | int]] = ContextVar("current_run", default={})  # noqa: B039  # never changed


class RunFilter(logging.Filter):
    """Gives a record `facts` (run, queue, tier, try: what is known), and `run` for the text format."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        facts = current_run.get()
        record.facts = facts
        record.run = f" [run {facts['run']}]" if facts else ""
        return True


class SecretsFilter(logging.Filter):
    """What a library quotes of an address or a setting is not what a log is for."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), ()
        if record.exc_info:
            record.exc_text = redact(record.exc_text or _PLAIN.formatException(record.exc_info))
        return True


class JsonFormatter(logging.Formatter):
    """One object a line, an exception with it. Takes records that have passed the filters above."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **record.__dict__["facts"],
            "pid": os.getpid(),
        }
        if record.exc_text:
            line["exception"] = record.exc_text
        return json.dumps(line)


@contextmanager
def run_logging(run: str, **facts: str | int) -> Iterator[None]:
    """Mark every log line of this thread's context with the run's id, and with what else is told of it."""
    token = current_run.set({"run": run, **facts})
    try:
        yield
    finally:
        current_run.reset(token)
