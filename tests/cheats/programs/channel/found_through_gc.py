"""Finds the guest's own writer among all objects and adds a verdict to its answer."""

from __future__ import annotations

import gc

from kit import asked

CHEAT = {"exercise": "rows", "verdict": "rejected", "caught_by": "rejected", "says": "other fields"}


def ranked(values):
    for found in gc.get_objects():
        if getattr(found, "__name__", None) == "write_frame" and callable(found):
            found({"nonce": asked(), "kind": "value", "verdict": "passed", "score": 1.0}, b"\0\0\0\x04null")
    return values
