"""Which programs a copy can run, and which stack a cell needs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sandbox.interpreter import interpreter_mounts
from sandbox.spec import BoxSpec
from sandbox.warm.program import NotWarmError, parse_program, template_key
from sandbox.warm.stacks import STACKS, smallest_stack

VENV = Path(sys.executable).parent.parent
PYTHON = str(VENV / "bin" / "python")


def spec(**values) -> BoxSpec:
    return BoxSpec(**{"mounts": interpreter_mounts(VENV), "warm": "torch", "files": {"a/b.py": b""}, **values})


@pytest.mark.parametrize(
    ("argv", "kind", "name", "shown_as", "path"),
    [
        (["-c", "pass", "x"], "code", "pass", "-c", ("",)),
        (["-P", "-c", "pass", "x"], "code", "pass", "-c", ()),
        (["-m", "json.tool", "x"], "module", "json.tool", "-m", ("/work",)),
        (["-P", "-m", "json.tool", "x"], "module", "json.tool", "-m", ()),
        (["a/b.py", "x"], "file", "/work/a/b.py", "a/b.py", ("/work/a",)),
        (["/work/a/../a/b.py", "x"], "file", "/work/a/b.py", "/work/a/../a/b.py", ("/work/a",)),
    ],
)
def test_it_reads_a_command_line(argv, kind, name, shown_as, path):
    program = parse_program(spec(), [PYTHON, *argv])
    assert (program.kind, program.name, program.shown_as, program.path) == (kind, name, shown_as, path)
    assert program.arguments == ("x",)


def test_the_path_variable_comes_before_the_library():
    program = parse_program(spec(env={"PYTHONPATH": "/opt/x::lib"}), [PYTHON, "-m", "m"])
    assert program.path == ("/work", "/opt/x", "/work", "lib")


@pytest.mark.parametrize(
    "argv",
    [[], ["-"], ["-u", "a/b.py"], ["-I", "-c", "1"], ["-m"], ["other.py"], ["/usr/bin/x.py"], ["-Pm", "m"], ["a"]],
)
def test_any_other_command_line_starts_cold(argv):
    with pytest.raises(NotWarmError):
        parse_program(spec(), [PYTHON, *argv])


@pytest.mark.parametrize(
    "values",
    [
        {"warm": "none"},
        {"gpus": (0,)},
        {"open_files": 100_000},
        {"env": {"OPENBLAS_NUM_THREADS": "2"}},
        {"mounts": ()},
    ],
    ids=lambda values: next(iter(values)),
)
def test_such_a_box_starts_cold(values):
    with pytest.raises(NotWarmError):
        template_key(spec(**values), [PYTHON, "-c", "1"])


def test_control_a_plain_box_has_a_template():
    assert template_key(spec(), [PYTHON, "-c", "1"]).stack == "torch"


def test_a_system_interpreter_starts_cold():
    with pytest.raises(NotWarmError, match="virtual environment"):
        template_key(spec(), ["/usr/bin/python3", "-c", "1"])


@pytest.mark.parametrize("values", [{"env": {"A": "1"}}, {"warm": "science"}])
def test_what_a_template_was_started_with_is_never_mixed(values):
    assert template_key(spec(**values), [PYTHON, "-c", "1"]) != template_key(spec(), [PYTHON, "-c", "1"])


def test_what_only_the_box_has_needs_no_other_template(tmp_path):
    from sandbox.spec import Mount

    own = spec(mounts=(*interpreter_mounts(VENV), Mount(source=tmp_path, target="/assets/a")), memory_bytes=1 << 30)
    assert template_key(own, [PYTHON, "-c", "1"]) == template_key(spec(), [PYTHON, "a/b.py"])


@pytest.mark.parametrize(
    ("sources", "stack"),
    [
        (["print(1)"], "none"),
        (["import os, json"], "none"),
        (["import numpy as np"], "science"),
        (["from scipy.stats import norm", "import numpy"], "science"),
        (["import torch"], "torch"),
        (["import numpy", "from torch import nn"], "torch"),
        (["def f():\n    import transformers"], "transformers"),
        (["import torch", "from peft import LoraConfig"], "transformers"),
        (["import pandas", "import torch"], "science"),
        (["import torch, numpy, pandas, transformers"], "transformers"),
        (["def broken(:"], "none"),
        (["from . import torch"], "none"),
    ],
)
def test_the_smallest_stack_that_covers_the_imports(sources, stack):
    assert smallest_stack(sources) == stack


def test_every_stack_has_something_to_import():
    assert all(STACKS.values())
