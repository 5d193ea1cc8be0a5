"""The one running site that the integration and browser suites share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.site_process import ROOT, Site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    running = Site(
        tmp_path_factory.mktemp("state"), env={"RANKZERO_LESSONS": str(ROOT / "tests" / "fixtures" / "lessons")}
    )
    running.start()
    yield running
    code = running.stop()
    assert code == 0, running.output()[-3000:]
