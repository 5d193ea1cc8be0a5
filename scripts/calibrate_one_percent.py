"""Grades a folder for 02_peft_techniques/one_percent on several seeds and prints the rows of docs/measurements.md.

    .venv/bin/python -m scripts.calibrate_one_percent --tier cpu --seeds 1-8 [--folder PATH]

The real grader, box and judge do the work; nothing is estimated.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import grader
from grader.submission import read_submission
from lessons.loader import Exercise, load_course

LESSON, SLUG = "02_peft_techniques", "one_percent"
COLUMNS = ("exact_match", "base_exact_match", "gain_recovered", "trained_share", "train_cpu_s")


def main(argv: Sequence[str] | None = None) -> int:
    """Print one row per seed. Returns 0 when every seed passed, else 1."""
    options = parse(argv)
    exercise = load_course().exercise(LESSON, SLUG)
    if exercise is None:
        sys.stderr.write(f"{LESSON}/{SLUG} did not load: run `manage.py lessons check`\n")
        return 2
    folder = options.folder or exercise.folder / "solution"
    print("| seed | verdict | " + " | ".join(COLUMNS) + " | peak MB |", flush=True)
    print("|" + "---|" * (len(COLUMNS) + 3), flush=True)
    passed = [measure(exercise, folder, options.tier, seed) for seed in options.seeds]
    return 0 if all(passed) else 1


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure one_percent over seeds.")
    parser.add_argument("--tier", choices=("smoke", "cpu"), default="cpu")
    parser.add_argument("--seeds", type=seed_range, default=seed_range("1-8"), help="for example 1-8 or 5")
    parser.add_argument("--folder", type=Path, help="a submission; the solution when absent")
    return parser.parse_args(argv)


def seed_range(text: str) -> range:
    """`1-8` or `5`. Raises ValueError for anything else."""
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def measure(exercise: Exercise, folder: Path, tier: str, seed: int) -> bool:
    """Grade once, print the row, say whether it passed."""
    report = grader.grade(exercise, read_submission(exercise, folder), tier=tier, seed=seed)
    values = {metric.name: metric.value for metric in report.metrics}
    cells = [f"{values[name]:.3f}" if name in values else "" for name in COLUMNS]
    verdict = report.verdict + (", distinction" if report.distinction else "")
    peak = report.usage.peak_memory_bytes / 2**20
    print(f"| {seed} | {verdict} | " + " | ".join(cells) + f" | {peak:.0f} |", flush=True)
    if report.message:
        print(f"  {report.message}", flush=True)
    return report.verdict == "passed"


if __name__ == "__main__":
    sys.exit(main())
