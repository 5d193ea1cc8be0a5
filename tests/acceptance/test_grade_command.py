"""The commands that the project promises, run as a person would: exit codes and Reports of `manage.py grade`."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.site_process import ROOT

pytestmark = [pytest.mark.lab, pytest.mark.box, pytest.mark.timeout(1500)]
EXERCISE = "02_peft_techniques/one_percent"


def grade(exercise: str, folder: str, tier: str = "cpu") -> tuple[int, dict[str, Any]]:
    lesson, slug = exercise.split("/")
    path = ROOT / "lessons" / lesson / "exercises" / slug / folder
    argv = [sys.executable, "manage.py", "grade", exercise, str(path), "--tier", tier, "--json"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize(("folder", "code"), [("solution", 0), ("starter", 1)])
def test_it_grades_one_percent_on_the_cpu_tier(folder: str, code: int) -> None:
    exit_code, report = grade(EXERCISE, folder)
    print(json.dumps({k: report[k] for k in ("verdict", "score", "metrics", "usage")}, indent=1))
    assert exit_code == code, report
    if folder == "solution":
        values = {m["name"]: m["value"] for m in report["metrics"]}
        assert values["trained_share"] < 1.0  # percent
        assert values["gain_recovered"] >= 0.75
        assert values["train_cpu_s"] <= 240


@pytest.mark.parametrize(("folder", "code"), [("solution", 0), ("starter", 1)])
def test_it_grades_peek_safely_on_the_cpu_tier(folder: str, code: int) -> None:
    exit_code, report = grade("09_ab_testing/peek_safely", folder)
    assert exit_code == code, report
