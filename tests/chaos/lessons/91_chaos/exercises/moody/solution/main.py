from __future__ import annotations


def mood():
    return "well"
