"""`manage.py bench queue` on a real site of its own, as short as it can be."""

from __future__ import annotations

import tempfile
from pathlib import Path

import psutil
import pytest

from webapp.submissions.bench_queue import clicks, report, suite

pytestmark = [pytest.mark.box, pytest.mark.lab]


def web_processes() -> set[int]:
    ours = psutil.Process().children(recursive=True)
    return {one.pid for one in ours if "uvicorn" in " ".join(one.cmdline())}


def test_it_measures_a_real_site_and_leaves_nothing() -> None:
    before, others = set(Path(tempfile.gettempdir()).glob("rankzero-bench-*")), web_processes()
    said: list[str] = []
    document = suite.run(quick=True, rounds=1, say=said.append)
    click, floor = document["clicks"]["click"], document["clicks"]["floor"]
    assert 0 < click["accepted_s"]["p50_ms"] <= click["started_s"]["p50_ms"] <= click["verdict_s"]["p50_ms"]
    assert 0 < floor[clicks.BOX]["p50_ms"] < floor[clicks.GRADE]["p50_ms"]
    assert document["saturation"]["runs_per_minute"] > 0
    assert document["claims"]["runs"] == 200
    assert len(document["goals"]) == 4
    assert any("click until the verdict" in line for line in report.lines(document))
    assert said
    assert set(Path(tempfile.gettempdir()).glob("rankzero-bench-*")) == before
    assert web_processes() <= others  # those of the tests' own site
