"""`lessons check` beyond the loader."""

from __future__ import annotations

import dataclasses
import shutil

import pytest

from grader.checking import check_course, check_exercise, check_judge, check_provenance, check_timed
from lessons.loader import load_course
from tests.fixtures.exercises import LESSONS, fixture_exercise

JUDGE = "def judge(bench):\n    pass\n"


def problems(source, tmp_path):
    (tmp_path / "judge.py").write_text(source)
    return [f"{error.field}: {error.message}" for error in check_judge(tmp_path / "judge.py")]


@pytest.mark.parametrize(
    "line",
    [
        "from grader.bench import Bench",
        "import grader",
        "from grader import api",
        "import sandbox",
        "from webapp.config import settings",
        "import django",
        "from . import other",
        "import pickle",
        "import os, subprocess",
        "def f():\n    import marshal",
        "from multiprocessing import Pool",
        "import requests",
    ],
)
def test_it_refuses_a_judge_that_imports(line, tmp_path):
    assert len(problems(f"{line}\n\n{JUDGE}", tmp_path)) == 1


@pytest.mark.parametrize("line", ["eval('1')", "exec('1')", "torch.load('x')", "__import__('os')"])
def test_it_refuses_a_judge_that_calls(line, tmp_path):
    assert problems(f"{line}\n\n{JUDGE}", tmp_path) == [f"line 1: a judge may not use {line.split('(')[0]!r}"]


def test_it_accepts_the_api_the_standard_library_and_the_lab(tmp_path):
    head = (
        "import json\nimport numpy as np\nfrom scipy import stats\nfrom torch import nn\nfrom grader.api import Bench\n"
    )
    assert problems(head + JUDGE, tmp_path) == []


def test_it_refuses_a_judge_without_a_judge(tmp_path):
    assert problems("x = 1\n", tmp_path) == [": has no function judge(bench)"]
    assert "not valid Python" in problems("x =\n", tmp_path)[0]


def test_it_wants_three_wrong_submissions_one_a_cheat_and_hints():
    exercise = fixture_exercise("arithmetic")
    assert check_exercise(exercise, frozenset()) == []
    few = dataclasses.replace(exercise, samples=exercise.samples[1:])
    assert ["wrong" in str(error.path) for error in check_exercise(few, frozenset())] == [True]
    unhinted = dataclasses.replace(exercise, manifest=exercise.manifest.model_copy(update={"hint": []}))
    assert [error.field for error in check_exercise(unhinted, frozenset())] == ["hint"]


def test_it_wants_assets_that_are_listed():
    exercise = fixture_exercise("arithmetic")
    manifest = exercise.manifest.model_copy(update={"assets": ["nosuch"]})
    errors = check_exercise(dataclasses.replace(exercise, manifest=manifest), frozenset({"other"}))
    assert [str(error).partition(": ")[2] for error in errors] == ["assets: lessons/assets.toml has no asset 'nosuch'"]


def test_it_keeps_the_loaders_errors_first(tmp_path):
    course = load_course([tmp_path / "nowhere", LESSONS])
    errors = check_course(course)
    assert "nowhere" in str(errors[0])


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("observed", None),
        ("reported", "'right_share' is the program's own word (reported): it can be shown, but have no pass"),
        (
            "instrumented",
            "'right_share' is counted where it can be forged (instrumented): tier 'smoke' must also grade",
        ),
    ],
)
def test_it_refuses_a_threshold_that_stands_on_nothing_better_than_the_programs_word(word, said, tmp_path):
    lessons = shutil.copytree(LESSONS, tmp_path / "lessons")
    manifest = lessons / "90_fixtures" / "exercises" / "arithmetic" / "exercise.toml"
    text = manifest.read_text().replace('name = "right_share"\n', f'name = "right_share"\nprovenance = "{word}"\n', 1)
    manifest.write_text(text)
    found = [str(error) for error in check_course(load_course([lessons])) if str(manifest) in str(error)]
    assert len(found) == (said is not None)
    assert said is None or said in found[0]


@pytest.mark.parametrize(
    ("call", "declared", "said"),
    [
        (
            "bench.metric('largest', 1, provenance='reported')",
            None,
            "reported here; exercise.toml says observed or rec",
        ),
        (
            "bench.metric('largest', 1, provenance='instrumented')",
            "reported",
            "instrumented here; exercise.toml says rep",
        ),
        (
            "bench.metric('largest', 1, provenance='observed')",
            "instrumented",
            "observed here; exercise.toml says instr",
        ),
    ],
)
def test_it_refuses_a_judge_that_gives_a_metric_another_provenance(call, declared, said, tmp_path):
    found = provenance_problems(call, declared, tmp_path)
    assert len(found) == 1
    assert said in found[0].message
    assert (found[0].path, found[0].field) == (tmp_path / "judge.py", "line 2")


@pytest.mark.parametrize(
    ("call", "declared"),
    [
        ("bench.metric('largest', 1, provenance='reported')", "reported"),
        ("bench.metric('largest', 1, provenance='recomputed')", None),
        ("bench.metric('largest', 1)", None),
        ("other.metric('largest', 1, provenance='reported')", None),
        ("bench.metric(name, 1, provenance=word)", None),
        ("this is no Python", None),
    ],
)
def test_it_leaves_other_provenances_to_the_run(call, declared, tmp_path):
    assert provenance_problems(call, declared, tmp_path) == []


def provenance_problems(call, declared, folder):
    """`largest` is shown, not graded, and declared so."""
    exercise = fixture_exercise("arithmetic")
    metrics = [
        spec.model_copy(update={"provenance": declared}) if spec.name == "largest" else spec
        for spec in exercise.manifest.metric
    ]
    (folder / "judge.py").write_text(f"def judge(bench):\n    {call}\n")
    manifest = exercise.manifest.model_copy(update={"metric": metrics})
    return check_provenance(dataclasses.replace(exercise, manifest=manifest, folder=folder))


@pytest.mark.parametrize(
    ("line", "timed", "said"),
    [
        ("rounds = bench.interleave('slow', turn)", False, True),
        ("rounds = bench.interleave('slow', turn)", True, False),
        ("measures.latency_percentile(x, 99, timeout_s=1)", False, True),
        ("bench.metric('largest', 1)", False, False),
    ],
)
def test_a_judge_that_compares_times_must_ask_for_cores_of_its_own(line, timed, said, tmp_path):
    exercise = fixture_exercise("arithmetic")
    (tmp_path / "judge.py").write_text(f"def judge(bench):\n    {line}\n")
    manifest = exercise.manifest.model_copy(update={"timed": timed})
    problems = check_timed(dataclasses.replace(exercise, manifest=manifest, folder=tmp_path))
    assert bool(problems) is said
    assert all("timed = true" in problem.message for problem in problems)
