"""Celery's side: each task is one call of a plain function."""

from __future__ import annotations

from webapp.catalog.course import course_forget
from webapp.catalog.search.index import REFRESH, index_refresh
from webapp.config.celery import app


@app.task(name=REFRESH)  # type: ignore[untyped-decorator]  # celery ships no types
def search_refresh() -> None:
    course_forget()
    index_refresh()
