"""What the queue wants to reach on any machine, judged from one run's own document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.bench.goals import Goal

_CLICK_MS = {"p50": 500, "p95": 1000}


def goals(document: Mapping[str, Any]) -> list[Goal]:
    verdict, claims = document["clicks"]["click"]["verdict_s"], document["claims"]
    return [
        *(
            Goal(name=f"click to verdict, warm boxes: {name}", unit="ms", at_most=most, value=verdict[f"{name}_ms"])
            for name, most in _CLICK_MS.items()
        ),
        Goal(
            name=f"{claims['runs']} waiting runs of {claims['learners']} learners beside an ideal round robin",
            unit="turns off", at_most=1, value=float(claims["rounds_off"]),
        ),
        Goal(
            name=f"cost of a claim, {claims['long']['waiting']} waiting beside {claims['short']['waiting']}",
            unit="times", at_most=2, value=claims["long_over_short"],
        ),
    ]  # fmt: skip
