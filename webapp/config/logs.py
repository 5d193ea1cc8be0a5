"""Log lines that belong to a run carry its id, whichever module writes them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from typing_extensions import override

current_run: ContextVar[str] = ContextVar("current_run", default="")


class RunFilter(logging.Filter):
    @override
    def filter(self, record: logging.LogRecord) -> bool:
        run = current_run.get()
        record.run = f" [run {run}]" if run else ""
        return True


@contextmanager
def run_logging(run: str) -> Iterator[None]:
    """Mark every log line of this thread's context with the run's id."""
    token = current_run.set(run)
    try:
        yield
    finally:
        current_run.reset(token)
