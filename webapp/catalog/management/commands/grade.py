"""`manage.py grade <lesson>/<exercise> <folder>`: grades a folder without site or database."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

import grader
from grader.submission import read_submission
from lessons.loader import Exercise, load_course
from sandbox.boxd.private import boxd_at_hand


class Command(BaseCommand):
    help = "Grades a folder and prints the Report. Exit code: 0 passed, 1 not passed, 2 our fault or bad arguments."
    requires_system_checks = []

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("exercise", help="<lesson>/<exercise>")
        parser.add_argument("folder", type=Path, help="holds the exercise's editable files")
        parser.add_argument("--tier", default="cpu")
        parser.add_argument("--backend", default="bubblewrap")
        parser.add_argument("--seed", type=int, help="the run's secret; drawn when absent")
        parser.add_argument("--json", action="store_true", help="print the Report as JSON")
        parser.add_argument(
            "--certified", action="store_true", help="two runs on two seeds in cold boxes; passed only if both are"
        )

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        exercise = find_exercise(options["exercise"])
        try:
            files = read_submission(exercise, options["folder"])
            with boxd_at_hand(options["backend"]):
                report = self.grade(exercise, files, options)
        except (grader.SubmissionError, grader.InfraError, grader.SandboxUnavailable) as error:
            raise CommandError(str(error), returncode=2) from None
        self.stdout.write(report.to_json(indent=1) if options["json"] else summary(report))
        if report.verdict != "passed" or (options["certified"] and not report.confirmed):
            sys.exit(2 if report.verdict == "infra_error" else 1)

    def grade(self, exercise: Exercise, files: dict[str, bytes], options: dict[str, Any]) -> grader.Report:
        grade = grader.grade_certified if options["certified"] else grader.grade
        return grade(
            exercise,
            files,
            tier=options["tier"],
            backend=options["backend"],
            seed=options["seed"],
            on_event=self.show,
        )

    def show(self, event: grader.Event) -> None:
        if isinstance(event, grader.ProgressEvent):
            share = "" if event.done is None else f"{event.done:4.0%} "
            self.stderr.write(f"… {share}{event.text}")
        elif isinstance(event, grader.LogEvent):
            self.stderr.write(f"{event.stream:6} | {event.text}")


def find_exercise(key: str) -> Exercise:
    """Raises CommandError (exit code 2) that says what there is, or why it did not load."""
    course = load_course()
    lesson, _, slug = key.partition("/")
    exercise = course.exercise(lesson, slug)
    if exercise is not None:
        return exercise
    broken = [str(error) for error in course.errors if f"/{lesson}/exercises/{slug}/" in f"{error.path}/"]
    known = [found.key for each in course.lessons for found in each.exercises]
    message = (
        "\n".join([f"{key} did not load:", *broken]) if broken else f"unknown exercise {key!r}; there are: {known}"
    )
    raise CommandError(message, returncode=2)


def summary(report: grader.Report) -> str:
    """The Report for people."""
    lines = [f"{report.verdict}{' with distinction' if report.distinction else ''}, score {report.score:.2f}"]
    lines += [report.message] if report.message else []
    if report.confirmed is not None:
        wanting = "not confirmed: that takes a pass on each of two seeds"
        lines.append("confirmed on a second seed" if report.confirmed else wanting)
    lines += [f"  differs: {difference}" for difference in report.differences]
    for metric in report.metrics:
        mark = {True: "ok  ", False: "FAIL", None: "    "}[metric.passed]
        sign = "≤" if metric.direction == "lower" else "≥"
        wanted = "" if metric.threshold is None else f" (wanted {sign} {metric.threshold:g})"
        lines.append(f"  {mark} {metric.name} = {metric.value:.6g} {metric.unit}{wanted}")
    for check in report.checks:
        lines.append(f"  {'ok  ' if check.passed else 'FAIL'} {check.name} {check.feedback}".rstrip())
    lines += [f"  hint: {hint}" for hint in report.hints]
    usage = report.usage
    memory = usage.peak_memory_bytes / 2**20
    lines.append(f"  {usage.wall_s:.1f} s, {usage.cpu_s:.1f} CPU-s, {memory:.0f} MB, seed {report.seed}")
    return "\n".join(lines)
