"""What the grader may answer, for tests of what is made of it."""

from __future__ import annotations

from grader import Report
from tests.unit.web.lessons import LESSON, SLUG


def report(verdict: str = "passed", score: float = 0.9, message: str = "") -> Report:
    return Report.model_validate(
        {
            "schema": 1,
            "exercise": f"{LESSON}/{SLUG}",
            "tier": "smoke",
            "verdict": verdict,
            "score": score,
            "metrics": [],
            "checks": [{"name": "answers", "passed": True, "feedback": "yes"}],
            "usage": {"wall_s": 1.0, "cpu_s": 0.5, "peak_memory_bytes": 1},
            "seed": 1,
            "log_tail": [],
            "message": message,
        }
    )
