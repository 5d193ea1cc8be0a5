"""For `manage.py shell`: thirty graded runs of the demo learner over three days, and one that we failed to make."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from webapp.accounts.models import User
from webapp.catalog.models import Exercise
from webapp.submissions.models import Run, Submission, SubmissionFile

# False positive rate, power, mean sample share: the first misses its mark by a lot, the last has a distinction.
VALUES = [(0.26, 0.97, 0.71), (0.14, 0.95, 0.66), (0.071, 0.88, 0.64), (0.055, 0.91, 0.61), (0.051, 0.93, 0.41)]
BARS = {"false_positive_rate": ("lower", 0.065), "power": ("higher", 0.90), "mean_sample_share": ("lower", 0.60)}
HINTS = ["Close. Check the variance.", "A boundary that holds at all looks.", "Use what you know."]


def metric(name: str, value: float) -> dict[str, Any]:
    direction, bar = BARS[name]
    return {
        "name": name,
        "value": value,
        "unit": "share",
        "direction": direction,
        "threshold": bar,
        "passed": value <= bar if direction == "lower" else value >= bar,
        "samples": 500,
        "ci95": [value * 0.9, min(1.0, value * 1.08)],
        "provenance": "observed",
    }


def report(values: tuple[float, ...]) -> dict[str, Any]:
    metrics = [metric(name, value) for name, value in zip(BARS, values, strict=True)]
    passed = all(one["passed"] for one in metrics)
    feedback = "" if passed else "The same counts got another decision in another process."
    return {
        "tier": "cpu",
        "verdict": "passed" if passed else "failed",
        "metrics": metrics,
        "checks": [
            {"name": "ships_no_harm", "passed": True, "feedback": ""},
            {"name": "decisions_stand_alone", "passed": passed, "feedback": feedback},
        ],
        "hints": [] if passed else HINTS,
        "usage": {"wall_s": 7.1, "cpu_s": 6.2, "peak_memory_bytes": 90_000_000},
        "distinction": False,
        "log_tail": [],
    }


def add(slug: str, file: str, text: str, at: datetime, **result: Any) -> Run:
    exercise, learner = Exercise.objects.get(slug=slug), User.objects.get(username="learner")
    submission = Submission.objects.create(learner=learner, exercise=exercise, content_hash=exercise.content_hash)
    SubmissionFile.objects.create(submission=submission, name=file, content=text)
    times = {"queued_at": at, "claimed_at": at, "started_at": at, "finished_at": at + timedelta(seconds=7)}
    run = Run.objects.create(
        kind="submission", learner=learner, submission=submission, tier="cpu", queue="cpu", seed=1, **times, **result
    )
    Submission.objects.filter(pk=submission.pk).update(created_at=at)
    Run.objects.filter(pk=run.pk).update(created_at=at)
    return run


def main() -> None:
    now = timezone.now()
    for number in range(30):
        done = report(VALUES[number % len(VALUES)])
        text = f"def decide(*seen):\n    return seen[0]  # attempt {number}\n"
        at = now - timedelta(hours=72 - 2 * number)
        add("peek_safely", "decide.py", text, at, status="done", verdict=done["verdict"], score=0.5, report=done)
    message = "We could not run this: the fault is ours, and it cost you nothing. Please try again later."
    failed = {"status": "done", "verdict": "infra_error", "tries": 3, "message": message}
    print("RUN", add("arithmetic", "main.py", "print(1)\n", now - timedelta(days=1), **failed).pk)


main()
