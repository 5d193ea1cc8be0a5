"""The one running site that the integration and browser suites share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.site_process import ROOT, Site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    state = tmp_path_factory.mktemp("state")
    share_assets(state)
    running = Site(state, env={"RANKZERO_LESSONS": str(ROOT / "tests" / "fixtures" / "lessons")})
    running.start()
    yield running
    code = running.stop()
    assert code == 0, running.output()[-3000:]


def share_assets(state: Path) -> None:
    """Models are built once a clone, not once a test run."""
    (ROOT / "var" / "assets").mkdir(parents=True, exist_ok=True)
    (state / "assets").symlink_to(ROOT / "var" / "assets")
