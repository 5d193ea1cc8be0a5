"""Torch lives in the lab's environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.in_lab import run_in_lab


@pytest.fixture(scope="session")
def lab_facts() -> dict[str, Any]:
    return run_in_lab(Path(__file__).with_name("lab_peft.py"), timeout_s=200, HF_HUB_OFFLINE="1")
