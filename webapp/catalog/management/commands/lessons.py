"""`manage.py lessons check|verify|cells`: validates the content; grades every solution and wrong submission."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any, get_args

from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

import grader
from grader.checking import check_course
from grader.judge_start import READY
from grader.verification import Row, verify_cells, verify_exercise
from grader.verified import VerifiedLock
from lessons.loader import Course, Exercise, Lesson, load_course
from lessons.schema import Tier
from sandbox.boxd.private import boxd_at_hand


class Command(BaseCommand):
    help = "check: every content error at once. verify: solutions pass, wrong submissions are caught. cells: run them."
    requires_system_checks = []

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("check", help="validate all content")
        verify = actions.add_parser("verify", help="grade each exercise's own submissions; exit 1 on any surprise")
        verify.add_argument("what", nargs="?", default="", help="<lesson> or <lesson>/<exercise>; all when absent")
        verify.add_argument("--tier", choices=get_args(Tier), help="default: smoke, and what wrong submissions declare")
        verify.add_argument("--all", action="store_true", help="every tier that can run here")
        verify.add_argument("--changed", action="store_true", help="skip what lessons/verified.lock has as verified")
        cells = actions.add_parser("cells", help="run every runnable cell; exit 1 on any failure")
        cells.add_argument("what", nargs="?", default="", help="<lesson>; all when absent")
        for action in (verify, cells):
            action.add_argument("--jobs", type=positive, default=1, help="how many at once; timed exercises: always 1")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        course = load_course()
        try:
            ok = self.check_all(course) if options["action"] == "check" else self.run_all(course, options)
        except (grader.InfraError, grader.SandboxUnavailable, grader.SubmissionError) as error:
            raise CommandError(str(error), returncode=2) from None
        if not ok:
            sys.exit(1)

    def run_all(self, course: Course, options: dict[str, Any]) -> bool:
        with boxd_at_hand(), READY.kept():
            return {"verify": self.verify, "cells": self.cells}[options["action"]](course, options)

    def check_all(self, course: Course) -> bool:
        errors = check_course(course)
        for error in errors:
            self.stderr.write(str(error))
        count = sum(len(lesson.exercises) for lesson in course.lessons)
        planned = sum(lesson.planned for lesson in course.lessons)
        self.stdout.write(
            f"{len(course.lessons) - planned} lessons ({planned} more planned), {count} exercises, {len(errors)} errors"
        )
        return not errors

    def verify(self, course: Course, options: dict[str, Any]) -> bool:
        exercises = chosen_exercises(course, options["what"])
        surprises = 0
        self.stdout.write(HEADING)
        for exercise in exercises:
            lock = VerifiedLock.of(exercise)
            tiers = chosen_tiers(exercise, options["tier"], everything=options["all"])
            if options["changed"] and lock.is_current(exercise, tiers):
                self.stdout.write(f"{exercise.key}: unchanged since it was verified at {', '.join(tiers)}")
                continue
            found = self.verify_one(exercise, tiers, only=options["tier"], jobs=options["jobs"])
            surprises += found
            if not found:
                lock.record(exercise, tiers)
        self.stdout.write(f"{len(exercises)} exercises, {surprises} surprises")
        cells_ok = self.cells(course, options) if "/" not in options["what"] else True
        return surprises == 0 and cells_ok

    def verify_one(self, exercise: Exercise, tiers: list[Tier], *, only: str | None, jobs: int) -> int:
        surprises = 0
        for row in verify_exercise(exercise, tiers, elsewhere=only is None, jobs=jobs):
            self.stdout.write(table_line(row))
            surprises += bool(row.surprise)
        return surprises

    def cells(self, course: Course, options: dict[str, Any]) -> bool:
        failed = count = 0
        for lesson in chosen_lessons(course, options["what"]):
            for row in verify_cells(lesson, options["jobs"]):
                count += 1
                failed += bool(row.problem)
                mark = "FAIL" if row.problem else "ok  "
                self.stdout.write(
                    f"{mark} {row.lesson} cell {row.cell} (line {row.line}) {row.seconds:.1f} s {row.problem}"
                )
        self.stdout.write(f"{count} cells and sessions run, {failed} failed")
        return failed == 0


HEADING = f"{'submission':58} {'tier':5} {'verdict':13} {'score':>5} {'s':>6}  metrics"


def positive(text: str) -> int:
    """Raises ValueError, which the parser reports, for what is no count of jobs."""
    if (count := int(text)) < 1:
        raise ValueError(text)
    return count


def table_line(row: Row) -> str:
    name = f"{row.exercise} {row.submission}"
    line = f"{name:58} {row.tier:5} {row.verdict:13} {row.score:5.2f} {row.seconds:6.1f}  {row.metrics}"
    return f"{line}\n  SURPRISE: {row.surprise}" if row.surprise else line.rstrip()


def chosen_lessons(course: Course, what: str) -> list[Lesson]:
    lessons = [lesson for lesson in course.lessons if not lesson.planned and what in ("", lesson.slug)]
    if not lessons:
        raise CommandError(f"no lesson {what!r} has content", returncode=2)
    return lessons


def chosen_exercises(course: Course, what: str) -> list[Exercise]:
    exercises = [exercise for lesson in course.lessons for exercise in lesson.exercises]
    chosen = [exercise for exercise in exercises if what in ("", exercise.lesson, exercise.key)]
    if not chosen:
        known = [exercise.key for exercise in exercises]
        raise CommandError(f"no exercise matches {what!r}; there are: {known}. See also: lessons check", returncode=2)
    return chosen


def chosen_tiers(exercise: Exercise, tier: Tier | None, *, everything: bool) -> list[Tier]:
    """Those that the exercise has, of what was asked; the GPU tier needs a GPU worker."""
    if everything:
        return [name for name in exercise.manifest.tiers if name != "gpu"]
    wanted: Tier = tier or "smoke"
    return [wanted] if wanted in exercise.manifest.tiers else [next(iter(exercise.manifest.tiers))]
