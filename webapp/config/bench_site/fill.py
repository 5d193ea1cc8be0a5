"""`python -m webapp.config.bench_site.fill <learners> <submissions>`: a site that has been used for a while.

As a process of a bench's site. The same numbers give the same rows. Prints JSON: how many of each there are.
"""

from __future__ import annotations

import json
import random
import sys
from datetime import datetime, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import django

if TYPE_CHECKING:
    from lessons.loader import Exercise
    from webapp.accounts.models import User
    from webapp.submissions.models import Run, Submission

_BATCH = 2_000
_DAYS = 60
_SEED = 6
# How often runs end so, of a hundred.
_VERDICTS = {
    "failed": 52, "passed": 30, "crashed": 9, "timed_out": 4, "out_of_memory": 2, "rejected": 1, "cancelled": 2,
}  # fmt: skip


def main(learners: int, submissions: int) -> dict[str, int]:
    from webapp.accounts.models import User
    from webapp.catalog.course import course
    from webapp.catalog.models import QuizAnswer, Reading
    from webapp.submissions.models import Run, Submission, SubmissionFile

    names = [f"bench{number}" for number in range(learners)]
    User.objects.bulk_create(User(username=name, email=f"{name}@example.org") for name in names)
    people = list(User.objects.filter(username__in=names).order_by("pk"))
    exercises = [one for lesson in course().lessons for one in lesson.exercises if not lesson.slug.startswith("90_")]
    _fill_lessons(people)
    _fill_submissions(people, exercises, submissions)
    tables = (User, Submission, SubmissionFile, Run, Reading, QuizAnswer)
    return {model.__name__: model._default_manager.count() for model in tables}


def _fill_lessons(people: list[User]) -> None:
    """Everybody has read half of every lesson, and answered its quizzes."""
    from webapp.catalog.course import course
    from webapp.catalog.markdown import render
    from webapp.catalog.models import QuizAnswer, Reading

    for lesson in filter(attrgetter("body"), course().lessons):
        document = render(lesson.body)
        headings = [entry.id for entry in document.toc]
        half = headings[: len(headings) // 2]
        Reading.objects.bulk_create(
            [Reading(user=one, lesson=lesson.slug, sections=half, place=half[-1] if half else "") for one in people],
            batch_size=_BATCH,
        )
        QuizAnswer.objects.bulk_create(
            [
                QuizAnswer(user=one, lesson=lesson.slug, quiz=quiz, answer="0", correct=False, was_correct=True)
                for one in people
                for quiz in document.quizzes
            ],
            batch_size=_BATCH,
        )


def _fill_submissions(people: list[User], exercises: list[Exercise], count: int) -> None:
    """One after the other, as people send them; each has a run that is over."""
    from django.db import transaction
    from django.utils import timezone

    from webapp.submissions.models import Run, Submission, SubmissionFile

    draw = random.Random(_SEED)  # noqa: S311  # the same rows every time
    begin = timezone.now() - timedelta(days=_DAYS)
    for start in range(0, count, _BATCH):
        made = [
            _submission(people[number % len(people)], draw.choice(exercises))
            for number in range(start, min(start + _BATCH, count))
        ]
        contents = {one.manifest.id: one for one in exercises}
        with transaction.atomic():
            Submission.objects.bulk_create(made)
            SubmissionFile.objects.bulk_create(
                SubmissionFile(submission=one, name=name, content=contents[one.exercise_id].starter[name])
                for one in made
                for name in contents[one.exercise_id].manifest.files.editable
            )
            Run.objects.bulk_create(
                _run(one, contents[one.exercise_id], begin + timedelta(days=_DAYS * (start + place) / count), draw)
                for place, one in enumerate(made)
            )
        print(f"{start + len(made)} of {count} submissions", file=sys.stderr, flush=True)  # noqa: T201


def _submission(learner: User, exercise: Exercise) -> Submission:
    from webapp.submissions.models import Submission

    return Submission(learner=learner, exercise_id=exercise.manifest.id, content_hash=exercise.content_hash)


def _run(submission: Submission, exercise: Exercise, at: datetime, draw: random.Random) -> Run:
    from webapp.submissions.models import Run, Status, Verdict

    tier = draw.choice(["smoke", "smoke", "cpu"])
    verdict = draw.choices(list(_VERDICTS), list(_VERDICTS.values()))[0]
    measured = verdict in (Verdict.PASSED, Verdict.FAILED)
    report = _report(exercise, tier, verdict, draw) if measured else None
    return Run(
        kind=Run.Kind.SUBMISSION, learner_id=submission.learner_id, submission=submission, tier=tier, queue=tier,
        status=Status.CANCELLED if verdict == Verdict.CANCELLED else Status.DONE, verdict=verdict,
        seed=draw.getrandbits(62), token=1, tries=1, worker="bench", report=report,
        score=report["score"] if report else 0.0,
        queued_at=at, claimed_at=at, started_at=at, finished_at=at + timedelta(seconds=draw.uniform(1, 20)),
    )  # fmt: skip


def _report(exercise: Exercise, tier: str, verdict: str, draw: random.Random) -> dict[str, Any]:
    passed = verdict == "passed"
    manifest = exercise.manifest
    return {
        "schema": 1, "exercise": exercise.key, "tier": tier, "verdict": verdict, "seed": 1, "log_tail": [],
        "score": round(draw.uniform(0.8, 1.0) if passed else draw.uniform(0.0, 0.7), 3),
        "metrics": [_metric(metric, tier, draw, passed=passed) for metric in manifest.metric],
        "checks": [{"name": one.name, "passed": passed, "feedback": "" if passed else one.means}
                   for one in manifest.check],
        "usage": {"wall_s": 3.2, "cpu_s": 2.9, "peak_memory_bytes": 180 * 2**20},
        "hints": [] if passed else [hint.text for hint in manifest.hint[:2]],
    }  # fmt: skip


def _metric(metric: Any, tier: str, draw: random.Random, *, passed: bool) -> dict[str, Any]:
    threshold = metric.passing.get(tier)
    value = round((1.0 if threshold is None else threshold) * draw.uniform(0.8, 1.2), 4)
    return {
        "name": metric.name, "value": value, "unit": metric.unit, "direction": metric.direction,
        "threshold": threshold, "passed": None if threshold is None else passed, "samples": 400,
        "ci95": [round(0.95 * value, 4), round(1.05 * value, 4)], "provenance": "observed", "ceiling": None,
    }  # fmt: skip


if __name__ == "__main__":
    django.setup()
    sys.stdout.write(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]))))
