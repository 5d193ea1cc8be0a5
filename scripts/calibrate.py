"""Grades a folder of one exercise on several seeds and prints the rows of docs/measurements.md.

    .venv/bin/python -m scripts.calibrate 02_peft_techniques/one_percent --tier cpu --seeds 1-8 [--folder PATH]

The real grader, boxes and judge do the work; nothing is estimated. The last row holds the least and the greatest value.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import grader
from grader.report import Report
from grader.submission import read_submission
from lessons.loader import Exercise, load_course


def main(argv: Sequence[str] | None = None) -> int:
    """Print one row per seed. Returns 0 when every seed passed, 1 when one did not, 2 for bad arguments."""
    options = parse(argv)
    exercise = load_course().exercise(*options.exercise.split("/", 1))
    if exercise is None:
        sys.stderr.write(f"{options.exercise} did not load: run `manage.py lessons check`\n")
        return 2
    files = read_submission(exercise, options.folder or exercise.folder / "solution")
    names = [spec.name for spec in exercise.manifest.metric]
    print_row(["seed", "verdict", *names, "CPU-s", "peak MB"])
    print_row(["---"] * (len(names) + 4))
    reports = [grade_once(exercise, files, options.tier, seed, names) for seed in options.seeds]
    print_range(reports, names)
    return 0 if all(report.verdict == "passed" for report in reports) else 1


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure an exercise over seeds.")
    parser.add_argument("exercise", help="<lesson>/<exercise>")
    parser.add_argument("--tier", choices=("smoke", "cpu"), default="cpu")
    parser.add_argument("--seeds", type=seed_range, default=seed_range("1-8"), help="for example 1-8 or 5")
    parser.add_argument("--folder", type=Path, help="a submission; the solution when absent")
    return parser.parse_args(argv)


def seed_range(text: str) -> range:
    """`1-8` or `5`. Raises ValueError for anything else."""
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def print_row(cells: Sequence[str]) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


def grade_once(exercise: Exercise, files: dict[str, bytes], tier: str, seed: int, names: list[str]) -> Report:
    """Grade with one seed and print its row."""
    report = grader.grade(exercise, files, tier=tier, seed=seed)
    values = values_of(report)
    verdict = report.verdict + (", distinction" if report.distinction else "")
    cells = [f"{values[name]:.3f}" if name in values else "" for name in names]
    print_row(
        [str(seed), verdict, *cells, f"{report.usage.cpu_s:.1f}", f"{report.usage.peak_memory_bytes / 2**20:.0f}"]
    )
    if report.message:
        print(f"  {report.message}", flush=True)
    return report


def values_of(report: Report) -> dict[str, float]:
    return {metric.name: metric.value for metric in report.metrics}


def print_range(reports: Sequence[Report], names: Sequence[str]) -> None:
    columns = [[values_of(report)[name] for report in reports if name in values_of(report)] for name in names]
    cells = [f"{min(column):.3f}–{max(column):.3f}" if column else "" for column in columns]
    passed = sum(report.verdict == "passed" for report in reports)
    print_row(["all", f"{passed} of {len(reports)} passed", *cells, "", ""])


if __name__ == "__main__":
    sys.exit(main())
