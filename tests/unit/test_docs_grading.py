"""docs/grading.md, authoring.md and architecture.md say what the code does: examples run, names are all there."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

import pytest

import grader
from grader import Report, api, measures
from grader.bench import Bench
from grader.candidate import Candidate, Server, TrainResult
from grader.checking import check_judge
from grader.load.result import Accounts, LoadResult, Response
from grader.tools import ToolResult
from grader.verification import wrong_surprise
from lessons.loader import Course, Exercise, load_course
from lessons.schema import (
    VERDICTS,
    CheckSpec,
    Expectation,
    Files,
    Hint,
    Limits,
    Manifest,
    MetricSpec,
    Protocol,
    Provenance,
    Stack,
    Tier,
    TierSpec,
)
from sandbox import Backend, Box, BoxSpec, Lease, Mount, Outcome, Pod, Process, Usage
from tests.fixtures.exercises import ROOT

GRADING, AUTHORING, ARCHITECTURE = (
    (ROOT / "docs" / f"{name}.md").read_text() for name in ("grading", "authoring", "architecture")
)
# The second word of a fence is the file that it shows: ```python softmax/judge.py
SHOWN: Mapping[str, str] = dict(re.findall(r"^```\w+ (\S+/\S+)\n(.*?)^```$", GRADING, re.DOTALL | re.MULTILINE))
EXAMPLES = {"softmax": "call", "line": "train", "adder": "serve", "sorter": "artifact"}
_LESSON = "90_examples"
_TRIES = 4
_GRADERS_OWN = {"open", "measurements"}  # for the grader itself


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Course:
    """The shown files as a lesson; a starter that is not shown is the wrong submission."""
    root = tmp_path_factory.mktemp("lessons")
    for name, text in SHOWN.items():
        write(root / _LESSON / "exercises" / name, text)
    for slug in EXAMPLES:
        folder = root / _LESSON / "exercises" / slug
        write(folder / "prompt.md", "As shown.\n")
        for path in (folder / "wrong").glob("*/*"):
            if path.name != "expect.toml" and not (folder / "starter" / path.name).exists():
                write(folder / "starter" / path.name, path.read_text())
    return load_course([root])


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def graded(exercise: Exercise, files: Mapping[str, str], caplog) -> Report:
    """One run; a machine too busy to measure is asked again, as the platform does. Of ours nothing else may break."""
    for _ in range(_TRIES):
        caplog.clear()
        report = grader.grade(exercise, {name: text.encode() for name, text in files.items()}, tier="smoke")
        busy = re.search(r"against itself|our own reference missed", caplog.text)
        if report.verdict != "infra_error" or not busy:
            break
    assert report.verdict != "infra_error", caplog.text
    return report


def example(course: Course, slug: str) -> Exercise:
    exercise = course.exercise(_LESSON, slug)
    assert exercise is not None, [str(error) for error in course.errors]
    return exercise


def test_it_shows_one_whole_exercise_for_each_protocol(course):
    about_exercises = [error for error in course.errors if "/exercises/" in str(error.path)]
    assert about_exercises == []
    assert {name.split("/")[0] for name in SHOWN} == set(EXAMPLES)
    assert {slug: example(course, slug).manifest.protocol for slug in EXAMPLES} == EXAMPLES
    assert all(len(example(course, slug).samples) == 1 for slug in EXAMPLES)


@pytest.mark.parametrize("slug", EXAMPLES)
def test_its_judges_use_what_a_judge_may(course, slug):
    assert check_judge(example(course, slug).folder / "judge.py") == []


@pytest.mark.box
@pytest.mark.lab
@pytest.mark.parametrize("slug", EXAMPLES)
def test_a_shown_solution_passes(course, slug, caplog):
    exercise = example(course, slug)
    report = graded(exercise, exercise.solution, caplog)
    assert (report.verdict, report.score) == ("passed", 1.0), report.to_json(indent=1)


@pytest.mark.box
@pytest.mark.lab
@pytest.mark.parametrize("slug", EXAMPLES)
def test_a_shown_wrong_submission_is_caught_as_declared(course, slug, caplog):
    exercise = example(course, slug)
    (sample,) = exercise.samples
    report = graded(exercise, sample.files, caplog)
    assert wrong_surprise(sample.expect, report) == "", report.to_json(indent=1)


def named(text: str) -> set[str]:
    """Every identifier that the text names in backticks, outside its fences."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return {word for span in re.findall(r"`([^`\n]+)`", prose) for word in re.findall(r"[A-Za-z_]\w*", span)}


def members(thing: type) -> set[str]:
    public = {name for name in dir(thing) if not name.startswith("_")}
    return public | {field.name for field in dataclasses.fields(thing)} if dataclasses.is_dataclass(thing) else public


def test_it_names_all_that_a_judge_may_import():
    assert set(api.__all__) - named(GRADING) == set()
    assert set(measures.__all__) - named(GRADING) == set()


@pytest.mark.parametrize(
    "thing", [Bench, Candidate, Server, TrainResult, ToolResult, Response, LoadResult, Accounts, api.Rng]
)
def test_it_names_all_that_a_judge_has(thing):
    assert members(thing) - _GRADERS_OWN - named(GRADING) == set()


def test_it_names_every_verdict_and_provenance():
    assert {*VERDICTS, *get_args(Provenance)} - named(GRADING) == set()


def test_every_test_that_it_names_is_there_and_it_names_every_group_of_cheats():
    paths = re.findall(r"`((?:cheats|attacks|unit)/[\w/.]+|tests/[\w/]+(?:\.py|/))", GRADING)
    assert len(paths) > 20
    lost = [path for path in paths if not (ROOT / "tests" / path.removeprefix("tests/")).exists()]
    assert lost == []
    groups = [folder.name for folder in (ROOT / "tests" / "cheats" / "programs").iterdir() if folder.is_dir()]
    assert [group for group in groups if group[0] != "_" and f"`cheats/programs/{group}/`" not in GRADING] == []
    anchors = {
        re.sub(r"[^\w -]", "", head).lower().replace(" ", "-")
        for head in re.findall(r"^#+ (.+)$", GRADING, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([\w-]+)\)", GRADING)) - anchors == set()


def test_authoring_shows_a_manifest_and_an_expectation_that_load():
    manifest, expectation = re.findall(r"```toml\n(.*?)```", AUTHORING, re.DOTALL)
    identified = manifest.replace('id = "…"', 'id = "5f0c8f7e-4b0a-4a55-9d0f-8c1f9a1f0009"')
    assert Manifest.model_validate(tomllib.loads(identified)).entry == "decide.py"
    assert Expectation.model_validate(tomllib.loads(expectation)).verdict == "failed"


@pytest.mark.parametrize("model", [Manifest, Files, Limits, TierSpec, MetricSpec, CheckSpec, Hint, Expectation])
def test_authoring_names_every_field(model):
    shown = set(re.findall(r"[a-z_]+(?= =)", AUTHORING)) | set(re.findall(r"(?<=\[)[a-z_]+", AUTHORING))
    assert {field.alias or name for name, field in model.model_fields.items()} - shown == set()


def test_authoring_names_every_choice():
    words = named(AUTHORING) | set(re.findall(r'(?:"|tiers\.)(\w+)', AUTHORING))
    assert {*get_args(Protocol), *get_args(Stack), *get_args(Tier), *get_args(Provenance)} - words == set()


def interface(room: str) -> dict[str, ast.ClassDef | ast.FunctionDef]:
    """The classes and functions that architecture.md shows of a room, by name."""
    (section,) = re.findall(rf"^## {room}: interface\n(.*?)^## ", ARCHITECTURE, re.DOTALL | re.MULTILINE)
    (block,) = re.findall(r"^```python\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    return {node.name: node for node in ast.parse(block).body if isinstance(node, ast.ClassDef | ast.FunctionDef)}


def parameters(node: ast.FunctionDef) -> list[str]:
    return [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)]


def shown_members(node: ast.ClassDef) -> dict[str, list[str] | None]:
    """Fields, with None, and methods, with their parameters."""
    fields = {item.target.id: None for item in node.body if isinstance(item, ast.AnnAssign)}
    return fields | {item.name: parameters(item) for item in node.body if isinstance(item, ast.FunctionDef)}


@pytest.mark.parametrize("thing", [BoxSpec, Mount, Usage, Outcome])
def test_architecture_shows_the_fields_of_boxes(thing):
    fields = dict.fromkeys(field.name for field in dataclasses.fields(thing))
    assert shown_members(interface("sandbox")[thing.__name__]) == fields


@pytest.mark.parametrize("thing", [Backend, Box, Process, Pod, Lease])
def test_architecture_shows_what_boxes_offer(thing):
    public = {name: value for name, value in vars(thing).items() if inspect.isfunction(value) and name[0] != "_"}
    methods = {name: list(inspect.signature(method).parameters) for name, method in public.items()}
    fields = dict.fromkeys(inspect.get_annotations(thing))
    assert shown_members(interface("sandbox")[thing.__name__]) == fields | methods


@pytest.mark.parametrize("function", [grader.grade, grader.grade_certified, grader.confirm_report, grader.run_cell])
def test_architecture_shows_the_parameters_of_grading(function):
    assert parameters(interface("grader")[function.__name__]) == list(inspect.signature(function).parameters)


def test_architecture_names_all_of_the_grader():
    assert set(grader.__all__) - set(re.findall(r"\w+", ARCHITECTURE)) == set()


def test_every_part_of_the_grader_that_architecture_names_is_there():
    table = ARCHITECTURE.partition("| part of `grader/` | does |")[2].partition("\n\n")[0]
    parts = re.findall(r"`([\w/]+(?:\.py|/))`", table)
    assert len(parts) > 20
    assert [part for part in parts if not (ROOT / "grader" / part).exists()] == []
