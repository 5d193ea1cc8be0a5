"""The lesson's formulas need numpy, which lives in the lab's environment: a script runs there once and prints JSON."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve().parent


def run_in_lab(script: str) -> dict[str, Any]:
    lab = Path(os.environ.get("RANKZERO_LAB", ROOT / ".venv-lab")) / "bin" / "python"
    if not lab.exists():
        pytest.fail(f"{lab} is missing: run `make setup`")
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "PYTHONWARNINGS": "error",
        "PYTHONDONTWRITEBYTECODE": "1",  # the exercise's folder stays as it is
    }
    done = subprocess.run([lab, HERE / script], env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.fixture(scope="session")
def formulas() -> dict[str, Any]:
    return run_in_lab("lab_formulas.py")


@pytest.fixture(scope="session")
def walks() -> dict[str, Any]:
    return run_in_lab("lab_walks.py")


@pytest.fixture(scope="session")
def judged() -> dict[str, Any]:
    return run_in_lab("lab_judge.py")
