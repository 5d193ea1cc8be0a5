"""What an operator sees of a real site: its log as JSON, its metrics, its health."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.client import Client, exercise_files
from tests.site_process import ROOT, Site

pytestmark = pytest.mark.box
QUICK = "90_fixtures/arithmetic"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    lessons = str(ROOT / "tests" / "fixtures" / "lessons")
    running = Site(tmp_path_factory.mktemp("state"), env={"RANKZERO_LESSONS": lessons, "RANKZERO_LOG_FORMAT": "json"})
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def run(site: Site) -> str:
    """One that passed."""
    with Client(site) as client:
        answer = client.sign_in().submit(QUICK, exercise_files(QUICK, "solution")).json()
        assert client.follow(answer["ws_url"])[-1]["verdict"] == "passed"
    return str(answer["run"])


def log_of(site: Site) -> list[dict[str, Any]]:
    return [json.loads(line) for line in site.output().splitlines()]


def test_every_line_of_the_log_is_one_object_and_a_run_is_found_by_its_id(site: Site, run: str) -> None:
    lines = log_of(site)
    assert {line["part"] for line in lines} >= {"tree", "boxd"}
    assert all(isinstance(line["message"], str) and line["time"] and line["level"] for line in lines)
    told = [line for line in lines if line.get("run") == run]
    assert any(line["message"].endswith("passed") for line in told), lines
    assert all((line["queue"], line["tier"], line["tries"]) == ("smoke", "smoke", 1) for line in told)
    passwords = site.accounts().values()
    assert not any(password in site.output() for password in passwords)


def test_the_metrics_count_the_run_and_its_box(site: Site, run: str) -> None:
    answer = httpx.get(site.url + "/metrics")
    assert answer.status_code == 200
    found = {
        (one.name, *one.labels.values()): one.value
        for family in text_string_to_metric_families(answer.text)
        for one in family.samples
    }
    assert found["rankzero_runs_finished_total", "smoke", "smoke", "passed"] >= 1
    assert found["rankzero_run_seconds_count", "smoke", "smoke"] >= 1
    assert found["rankzero_boxd_up",] == found["rankzero_database_up",] == found["rankzero_redis_up",] == 1
    assert sum(value for name, value in found.items() if name[0] == "rankzero_boxes_ended_total") >= 1
    assert found["rankzero_workers_live",] >= 1
    assert found["rankzero_queue_slots", "smoke"] >= 1


def test_readiness_tells_of_the_workers_and_the_queue(site: Site, run: str) -> None:
    deadline = time.monotonic() + 30
    while (answer := httpx.get(site.url + "/readyz").json())["workers"] != "ok" and time.monotonic() < deadline:
        time.sleep(0.2)  # the run needed one worker; the other may still be on its way
    assert answer["ready"] is True
    assert answer["workers"] == "ok"
    assert answer["queue"]["waiting"] == 0
