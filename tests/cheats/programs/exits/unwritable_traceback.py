"""Raises an error of a text that cannot be written as UTF-8, so that the report cannot be, either."""

from __future__ import annotations

CHEAT = {"exercise": "rows", "verdict": "crashed", "caught_by": "crashed", "says": "while answering ranked"}


def ranked(values):
    raise ValueError("passed \ud800 \udfff \x00 \u202e")
