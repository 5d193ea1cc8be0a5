"""numpy and torch live in the lab's environment: a script runs there once and prints what it found as JSON."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent


def run_in_lab(script: Path, *, timeout_s: float = 120, **more: str) -> dict[str, Any]:
    """`more`: variables of its environment, besides those that every script has."""
    lab = Path(os.environ.get("RANKZERO_LAB", ROOT / ".venv-lab")) / "bin" / "python"
    if not lab.exists():
        pytest.fail(f"{lab} is missing: run `make setup`")
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",  # the exercise's folder stays as it is
        **more,
    }
    done = subprocess.run([lab, script], env=env, capture_output=True, text=True, timeout=timeout_s, check=False)
    assert done.returncode == 0, done.stderr
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts
