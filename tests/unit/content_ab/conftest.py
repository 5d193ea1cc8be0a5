"""The lesson's formulas need numpy, which lives in the lab's environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.in_lab import run_in_lab

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="session")
def formulas() -> dict[str, Any]:
    return run_in_lab(HERE / "lab_formulas.py", PYTHONWARNINGS="error")


@pytest.fixture(scope="session")
def walks() -> dict[str, Any]:
    return run_in_lab(HERE / "lab_walks.py", PYTHONWARNINGS="error")


@pytest.fixture(scope="session")
def judged() -> dict[str, Any]:
    return run_in_lab(HERE / "lab_judge.py", PYTHONWARNINGS="error")
