"""Raises an error whose text never ends and says that it passed."""

from __future__ import annotations

CHEAT = {"exercise": "rows", "verdict": "crashed", "caught_by": "crashed", "says": "ranked"}


class Passed(BaseException):
    def __str__(self):
        return "passed " * 10_000_000


def ranked(values):
    raise Passed
