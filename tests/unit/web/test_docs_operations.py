"""docs/operations.md names every metric and no other, and its examples are what they say they are."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands

from sandbox.boxd.figures import BoxdFigures
from webapp.submissions.operations import exposition
from webapp.submissions.operations.machine import Gpu

DOCUMENT = (Path(__file__).resolve().parents[3] / "docs" / "operations.md").read_text()
NAME = re.compile(r"\brankzero_[a-z_]+")


@pytest.fixture
def names(db: None, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Of every family on a machine that has everything; a counter's as Prometheus stores it."""
    counts: dict[str, Any] = {name: Counter({"a": 1}) for name in ("boxes", "boxes_ended", "pods")}
    numbers: dict[str, Any] = dict.fromkeys(
        ("cores", "cores_leased", "gpus", "gpus_leased", "leases_held", "leases_waiting", "longest_wait_s"), 1
    )
    everything = BoxdFigures(**counts, **numbers, warm=Counter({("a", "b"): 1}), warm_refused=frozenset({("a", "c")}))
    monkeypatch.setattr(exposition, "boxd_path", lambda: "/there")
    monkeypatch.setattr(exposition, "boxd_here", lambda: everything)
    monkeypatch.setattr(exposition, "gpus_here", lambda: (Gpu(uuid="a", busy=0.5, used_bytes=1, total_bytes=2),))
    return {one.name + ("_total" if one.type == "counter" else "") for one in exposition.families()}


def test_every_metric_is_described_and_every_described_one_exists(names: set[str]) -> None:
    rows = [line.split("|")[1] for line in DOCUMENT.splitlines() if line.startswith("| `rankzero_")]
    assert {name for row in rows for name in NAME.findall(row)} == names
    assert set(NAME.findall(DOCUMENT)) == names, "in the text and the alerts, too"


def test_its_examples_for_prometheus_are_accepted(tmp_path: Path) -> None:
    scrape, rules = re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL)
    assert yaml.safe_load(scrape)["scrape_configs"][0]["job_name"] == "rankzero"
    assert len(yaml.safe_load(rules)["groups"][0]["rules"]) > 10
    if shutil.which("promtool") is None:
        pytest.skip("PROMETHEUS' RULES NOT CHECKED: promtool is not installed (apt-get install prometheus)")
    (tmp_path / "rules.yml").write_text(rules)
    (tmp_path / "scrape.yml").write_text(scrape)
    for what, name in (("rules", "rules.yml"), ("config", "scrape.yml")):
        options = ["--syntax-only"] if what == "config" else []
        done = subprocess.run(
            ["promtool", "check", what, *options, str(tmp_path / name)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_its_commands_exist() -> None:
    used = set(re.findall(r"manage\.py ([a-z_]+)", DOCUMENT))
    assert used <= set(get_commands())
    assert used >= {"backup", "restore", "runs", "retention", "metrics", "worker", "doctor"}
