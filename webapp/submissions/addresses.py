"""Addresses that no pattern of urls.py names."""

from __future__ import annotations

from webapp.submissions.models import Run


def ws_url(run: Run) -> str:
    """Of the run's live log; add ?after=<number of the last line seen>."""
    return f"/ws/runs/{run.pk}/"
