"""The worked examples of docs/grading.md and docs/authoring.md run as they stand."""

from __future__ import annotations

import dataclasses
import re
import tomllib

import pytest

from grader import grade
from grader.checking import check_judge
from lessons.schema import VERDICTS, Expectation, Manifest
from tests.fixtures.exercises import ROOT, fixture_exercise

GRADING = (ROOT / "docs" / "grading.md").read_text()
AUTHORING = (ROOT / "docs" / "authoring.md").read_text()
CALL_JUDGE, TRAIN_JUDGE = re.findall(r"```python\n(.*?)```", GRADING, re.DOTALL)

MEDIAN = "import numpy as np\n\n\ndef median(values):\n    return float(np.median(values))\n"
FIT = """
import json, sys
import numpy as np
from safetensors.numpy import save_file

x, y = np.array(json.load(open("/work/data/train.json"))).T
save_file({"slope": np.array(x @ y / (x @ x), "f4")}, "/work/out/model.safetensors")
"""


def documented(judge, protocol, folder, metrics, checks):
    (folder / "judge.py").write_text(judge)
    assert check_judge(folder / "judge.py") == []
    base = fixture_exercise("writer" if protocol == "train" else "arithmetic")
    data = base.manifest.model_dump(mode="json", by_alias=True) | {"metric": metrics, "check": checks, "hint": []}
    data["tiers"] = {"smoke": {"seconds": 1, "sizes": {"calls": 5, "steps": 3}}}
    data["limits"]["memory_mb"] = 512
    return dataclasses.replace(base, folder=folder, manifest=Manifest.model_validate(data))


def metric(name, direction, **passing):
    return {"name": name, "unit": "", "direction": direction, "means": "M", "pass": passing}


@pytest.mark.box
@pytest.mark.lab
def test_it_grades_the_call_example(tmp_path):
    metrics, checks = [metric("right_share", "higher", smoke=1)], [{"name": "handles_unsorted", "means": "M"}]
    exercise = documented(CALL_JUDGE, "call", tmp_path, metrics, checks)
    right = grade(exercise, {"main.py": MEDIAN.encode()}, tier="smoke")
    assert (right.verdict, right.metrics[0].samples) == ("passed", 5)
    wrong = grade(exercise, {"main.py": MEDIAN.replace("np.median", "np.mean").encode()}, tier="smoke")
    assert wrong.verdict == "failed"


@pytest.mark.box
@pytest.mark.lab
def test_it_grades_the_train_example(tmp_path):
    metrics = [metric("error", "lower", smoke=1e-5), metric("cpu_seconds", "lower")]
    exercise = documented(TRAIN_JUDGE, "train", tmp_path, metrics, [])
    right = grade(exercise, {"main.py": FIT.encode()}, tier="smoke")
    assert right.verdict == "passed", right.message
    assert right.metrics[1].value > 0
    wrong = grade(exercise, {"main.py": FIT.replace("x @ y", "y @ y").encode()}, tier="smoke")
    assert wrong.verdict == "failed"
    malformed = grade(exercise, {"main.py": b"open('/work/out/model.safetensors', 'w').write('x')"}, tier="smoke")
    assert (malformed.verdict, malformed.message[:12]) == ("failed", "safetensors:")


def test_it_documents_every_verdict():
    assert [verdict for verdict in VERDICTS if f"`{verdict}`" not in GRADING] == []


def test_it_shows_a_manifest_and_an_expectation_that_load():
    manifest, expectation = re.findall(r"```toml\n(.*?)```", AUTHORING, re.DOTALL)
    identified = manifest.replace('id = "…"', 'id = "5f0c8f7e-4b0a-4a55-9d0f-8c1f9a1f0009"')
    assert Manifest.model_validate(tomllib.loads(identified)).entry == "decide.py"
    assert Expectation.model_validate(tomllib.loads(expectation)).verdict == "failed"
