"""Patches the comparisons and the guest's own functions, in case the judge calls them here."""

from __future__ import annotations

import sys

import numpy as np

CHEAT = {"exercise": "rows", "verdict": "failed", "caught_by": "right_share"}

np.array_equal = np.allclose = lambda *_, **__: True
np.sort = lambda values, axis=-1: values
sys.modules["__main__"].describe = lambda error: b"{}"


def ranked(values):
    return values
