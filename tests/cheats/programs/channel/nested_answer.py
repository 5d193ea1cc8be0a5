"""Answers with JSON nested a hundred thousand deep."""

from __future__ import annotations

import os

from kit import asked, frame

CHEAT = {"exercise": "rows", "verdict": "rejected", "caught_by": "rejected", "says": "malformed"}


def ranked(values):
    tree = b"[" * 100_000 + b"]" * 100_000
    os.write(3, frame({"nonce": asked(), "kind": "value"}, len(tree).to_bytes(4, "big") + tree))
    return values
