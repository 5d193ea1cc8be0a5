"""Which boxes of the grader may start warm: as the exercise or a cell's imports say; none of a certified run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from pydantic import ValidationError

from grader.boxes import box_spec
from grader.cell_session import run_cell_sources
from grader.context import RunContext
from grader.errors import InfraError
from grader.wire import CellRequest, JudgeRequest
from lessons.loader import load_course
from lessons.schema import Limits, Manifest, Stack
from sandbox import BoxSpec, BoxStartError
from sandbox.spec import WarmStack
from sandbox.warm.stacks import smallest_stack

# Its memory is the difference of two boxes, which have to begin alike.
COLD = {"01_distributed_training/fsdp_train"}
ROOT = Path(__file__).resolve().parents[3]


class Recorder:
    """A backend that starts nothing and remembers what it was asked for."""

    name = "recorder"

    def __init__(self) -> None:
        self.specs: list[BoxSpec] = []

    def prepare(self, spec: BoxSpec, *, pod: object = None) -> object:
        self.specs.append(spec)
        raise BoxStartError("this backend starts nothing")


def manifest(**values) -> Manifest:
    fields = {
        "schema": 1, "id": "8c2ff4b0-8f43-4d54-8dd1-0d7a2b0d7f10", "title": "T", "summary": "S", "minutes": 1,
        "difficulty": 1, "points": 1, "protocol": "call", "entry": "a.py", "files": {"editable": ["a.py"]},
        "tiers": {"smoke": {"seconds": 1}}, "check": [{"name": "right", "means": "It is right."}],
    }  # fmt: skip
    return Manifest.model_validate({**fields, **values})


def wished(context: RunContext) -> str:
    with pytest.raises(InfraError):
        context.start("call")
    return context.backend.specs[-1].warm


@pytest.fixture
def context(monkeypatch) -> RunContext:
    monkeypatch.setattr("grader.boxes.guest_mounts", tuple)
    monkeypatch.setattr("grader.boxes.lab_dir", lambda: Path("/lab"))
    return RunContext(
        exercise="x/y", folder=ROOT, manifest=manifest(warm="torch"), tier="smoke", limits=Limits(),
        files={}, assets={}, backend=Recorder(), emit=lambda _event: None,
    )  # fmt: skip


def test_a_box_has_the_stack_that_its_exercise_names(context):
    assert wished(context) == "torch"
    assert wished(replace(context, manifest=manifest())) == "none"


def test_a_certified_run_is_cold(context):
    assert wished(replace(context, certified=True)) == "none"


def test_a_run_is_not_certified_unless_it_says_so():
    assert JudgeRequest.model_fields["certified"].default is False


def test_a_box_of_ours_is_cold_unless_asked(monkeypatch):
    monkeypatch.setattr("grader.boxes.guest_mounts", tuple)
    assert box_spec(Limits(), {}, {}).warm == "none"


@pytest.mark.parametrize(
    ("sources", "stack"),
    [
        (["x = 1"], "none"),
        (["import pandas as pd", "pd"], "science"),
        (["import numpy", "import torch"], "torch"),
        (["from peft import LoraConfig"], "transformers"),
    ],
)
def test_a_cell_has_the_smallest_stack_that_its_sources_import(context, sources, stack):
    request = CellRequest(sources=sources, backend="", memory_mb=64, wall_s=1, cpu_s=1, output_kb=8)
    backend = Recorder()
    with pytest.raises(InfraError):
        run_cell_sources(request, backend, lambda _event: None)
    assert backend.specs[-1].warm == stack


def test_a_manifest_names_a_stack_that_there_is():
    with pytest.raises(ValidationError):
        manifest(warm="tensorflow")


def test_the_exercises_name_what_their_starters_import():
    order = list(get_args(WarmStack))
    for lesson in load_course().lessons:
        for exercise in lesson.exercises:
            imported = smallest_stack([text for name, text in exercise.starter.items() if name.endswith(".py")])
            if exercise.key in COLD:
                assert exercise.manifest.warm == "none"
            else:
                assert order.index(exercise.manifest.warm) >= order.index(imported), exercise.key


def test_manifests_and_boxes_know_the_same_stacks():
    assert get_args(Stack) == get_args(WarmStack)
