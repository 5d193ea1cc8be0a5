from __future__ import annotations

from kit import honest


def ranked(values):
    return honest(values)
