"""`manage.py grade` and `manage.py lessons`, as a shell sees them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from grader import Report
from tests.fixtures.exercises import LESSONS, ROOT

ARITHMETIC = LESSONS / "90_fixtures" / "exercises" / "arithmetic"


def manage(*words, lessons=LESSONS, **variables):
    environment = os.environ | {"RANKZERO_LESSONS": str(lessons)} | variables
    return subprocess.run(
        [sys.executable, "manage.py", *map(str, words)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.box
@pytest.mark.lab
def test_it_exits_0_for_the_solution_with_the_report_on_stdout():
    done = manage("grade", "90_fixtures/arithmetic", ARITHMETIC / "solution", "--json", "--seed", 5)
    assert done.returncode == 0, done.stderr
    report = Report.from_json(done.stdout)
    assert (report.verdict, report.tier, report.seed) == ("passed", "cpu", 5)
    assert "call 1 of 10" in done.stderr


@pytest.mark.box
@pytest.mark.lab
def test_it_exits_1_for_the_starter_and_says_why():
    done = manage("grade", "90_fixtures/arithmetic", ARITHMETIC / "starter", "--tier", "smoke")
    assert done.returncode == 1, done.stderr
    assert "FAIL right_share = 0 share (wanted ≥ 1)" in done.stdout
    assert "hint: Add both numbers." in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["90_fixtures/nosuch", ARITHMETIC / "solution"], "unknown exercise '90_fixtures/nosuch'; there are:"),
        (["90_fixtures/arithmetic", "/nowhere"], "/nowhere is not a folder"),
        (["90_fixtures/arithmetic", ARITHMETIC], "main.py: the file is missing"),
        (["90_fixtures/arithmetic", ARITHMETIC / "solution", "--tier", "gpu"], "has no tier 'gpu'"),
        (["90_fixtures/arithmetic", ARITHMETIC / "solution", "--tier"], "expected one argument"),
        (["90_fixtures/arithmetic", ARITHMETIC / "solution", "--backend", "none"], "no sandbox backend 'none'"),
    ],
)
@pytest.mark.lab
def test_it_exits_2_for_bad_arguments_in_one_line(words, message):
    done = manage("grade", *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_it_exits_2_without_a_lab():
    done = manage("grade", "90_fixtures/arithmetic", ARITHMETIC / "solution", RANKZERO_LAB="/nowhere")
    assert (done.returncode, "make setup" in done.stderr) == (2, True)


def test_it_says_why_an_exercise_did_not_load(tmp_path):
    shutil.copytree(LESSONS / "90_fixtures", tmp_path / "90_fixtures")
    (tmp_path / "90_fixtures" / "exercises" / "writer" / "judge.py").unlink()
    done = manage("grade", "90_fixtures/writer", ARITHMETIC / "solution", lessons=tmp_path)
    assert done.returncode == 2
    assert "judge.py: the file is missing" in done.stderr


def test_it_prints_every_content_error_at_once(tmp_path):
    shutil.copytree(LESSONS / "90_fixtures", tmp_path / "90_fixtures")
    exercises = tmp_path / "90_fixtures" / "exercises"
    (exercises / "writer" / "prompt.md").unlink()
    (exercises / "arithmetic" / "judge.py").write_text("import pickle\n")
    done = manage("lessons", "check", lessons=tmp_path)
    assert done.returncode == 1
    for words in ("prompt.md: the file is missing", "a judge may not use 'pickle'", "has no function judge(bench)"):
        assert words in done.stderr


@pytest.mark.box
@pytest.mark.lab
def test_it_verifies_writes_the_lock_and_skips_what_is_unchanged(tmp_path):
    shutil.copytree(LESSONS / "90_fixtures", tmp_path / "90_fixtures")
    first = manage("lessons", "verify", "90_fixtures/writer", lessons=tmp_path)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "wrong/link" in first.stdout
    assert "1 exercises, 0 surprises" in first.stdout
    assert list(json.loads((tmp_path / "verified.lock").read_text())) == ["90_fixtures/writer"]
    again = manage("lessons", "verify", "90_fixtures/writer", "--changed", lessons=tmp_path)
    assert "unchanged since it was verified at smoke" in again.stdout
    assert "wrong/link" not in again.stdout


@pytest.mark.box
@pytest.mark.lab
def test_it_exits_1_for_a_surprise_and_writes_no_lock(tmp_path):
    shutil.copytree(LESSONS / "90_fixtures", tmp_path / "90_fixtures")
    expect = tmp_path / "90_fixtures" / "exercises" / "writer" / "wrong" / "silent" / "expect.toml"
    expect.write_text(expect.read_text().replace('"failed"', '"crashed"'))
    done = manage("lessons", "verify", "90_fixtures/writer", lessons=tmp_path)
    assert done.returncode == 1
    assert "SURPRISE: declared crashed, but it ended failed" in done.stdout
    assert not (tmp_path / "verified.lock").exists()


@pytest.mark.box
@pytest.mark.lab
def test_it_runs_the_cells_of_a_lesson():
    done = manage("lessons", "cells", "90_fixtures")
    assert (done.returncode, "1 cells and sessions run, 0 failed" in done.stdout) == (0, True)


@pytest.mark.box
@pytest.mark.lab
@pytest.mark.parametrize(
    ("folder", "code", "words"),
    [("solution", 0, "confirmed on a second seed"), ("starter", 1, "not confirmed: that takes a pass on each")],
)
def test_it_certifies_by_two_runs(folder, code, words):
    done = manage("grade", "90_fixtures/arithmetic", ARITHMETIC / folder, "--certified", "--seed", 5)
    assert done.returncode == code, done.stderr
    assert words in done.stdout
    assert ("A second run on new data" in done.stderr) == (code == 0)


def test_it_certifies_nothing_at_smoke():
    done = manage("grade", "90_fixtures/arithmetic", ARITHMETIC / "solution", "--certified", "--tier", "smoke")
    assert (done.returncode, "certifies nothing" in done.stderr) == (2, True)
