"""Sends a kind of frame that says it has passed."""

from __future__ import annotations

import os

from kit import asked, frame

CHEAT = {"exercise": "rows", "verdict": "rejected", "caught_by": "rejected", "says": "of a kind"}


def ranked(values):
    os.write(3, frame({"nonce": asked(), "kind": "passed"}))
    return values
