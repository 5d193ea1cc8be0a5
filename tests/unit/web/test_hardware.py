"""The hardware page: what is offered, told without waiting for a look at the machine."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from webapp.accounts.models import User
from webapp.learning import hardware, hardware_facts
from webapp.learning.hardware_facts import Facts, facts, facts_of
from webapp.submissions.models import Worker

SeenAs = Callable[[User], Client]
GPU = {"id": "0", "name": "NVIDIA Test 24", "memory_mb": 24_576}


def known(**changes: Any) -> Facts:
    limits = (("memory", "cgroup v2", True), ("freeze", "not here", False))
    fields: dict[str, Any] = {
        "at": timezone.now(),
        "limits": limits,
        "versions": (("torch", "2.0-test"),),
        "problem": "",
    }
    return Facts(**(fields | changes))


@pytest.fixture(autouse=True)
def looked() -> None:
    """As after a look a moment ago, so that no test starts one unless it means to."""
    cache.set("hardware:doctor", known(), timeout=60)


def worker(name: str, host: str = "", **fields: Any) -> Worker:
    now = timezone.now()
    given = {"queues": ["cpu", "smoke"], "cores": 8, "memory_mb": 31_900, "gpus": [], "concurrency": 2} | fields
    return Worker.objects.create(name=name, host=host or name, started_at=now, seen_at=now, **given)


@pytest.mark.parametrize(
    ("offered", "state"),
    [(0, "none"), (4, "less"), (14.8, "less"), (15.6, "enough"), (29.7, "enough"), (31.2, "better"), (999, "better")],
)
def test_a_size_is_held_against_what_is_recommended(offered: float, state: str) -> None:
    drawn = hardware.scale("Memory", "GB", offered, least=16, better=32)
    assert drawn.state == state
    assert 0 <= float(drawn.bar.rstrip("%")) <= 100
    assert float(drawn.least_at.rstrip("%")) < float(drawn.better_at.rstrip("%")) < 100
    assert drawn.beyond == (offered > 48)


@pytest.mark.django_db
def test_it_tells_what_live_workers_offer(learner: User, as_user: SeenAs) -> None:
    worker("small")
    worker("large-gpu", host="large", queues=["gpu"], memory_mb=65_000, gpus=[GPU, GPU])
    worker("large-cpu", host="large", memory_mb=65_000, gpus=[GPU, GPU])
    page = hardware.hardware_page(learner)
    by_title = {scale.title: scale for scale in page.scales}
    assert by_title["Memory"].offered == 63
    assert (by_title["Memory of a GPU"].offered, by_title["Memory of a GPU"].state) == (24, "better")
    assert by_title["GPUs"].offered == 2  # two workers on one machine
    assert {tier.name: tier.state for tier in page.tiers} == {"smoke": "live", "cpu": "live", "gpu": "live"}
    html = as_user(learner).get("/hardware/").content.decode()
    assert "NVIDIA Test 24, 24 GB" in html
    assert "2.0-test" in html
    assert "Not held:" in html


@pytest.mark.django_db
def test_without_a_worker_it_says_so_and_tells_of_this_machine(learner: User, settings: Any) -> None:
    settings.TIERS = ["smoke", "cpu"]
    page = hardware.hardware_page(learner)
    assert not page.known
    assert {tier.name: tier.state for tier in page.tiers} == {"smoke": "waiting", "cpu": "waiting", "gpu": "absent"}
    assert page.scales[0].offered > 0


@pytest.mark.django_db
def test_a_visitor_sees_tiers_and_advice_but_no_machine(client: Client) -> None:
    worker("secret-host-name", gpus=[GPU])
    html = client.get("/hardware/").content.decode()
    assert "16 GB" in html
    assert "runs now" in html
    for hidden in ("secret-host-name", "NVIDIA Test", "2.0-test", "cgroup"):
        assert hidden not in html


@pytest.mark.django_db
def test_it_takes_the_same_queries_whatever_is_up(
    learner: User, as_user: SeenAs, django_assert_max_num_queries: Any
) -> None:
    client = as_user(learner)
    client.get("/hardware/")
    with django_assert_max_num_queries(10) as none:
        client.get("/hardware/")
    for number in range(20):
        worker(f"w{number}")
    with django_assert_max_num_queries(10) as many:
        client.get("/hardware/")
    assert len(none.captured_queries) == len(many.captured_queries)


def test_a_page_never_waits_and_looks_are_made_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = [], threading.Event()

    def slow() -> dict[str, Any]:
        begun.append(1)
        assert go_on.wait(20)
        return report()

    monkeypatch.setattr(hardware_facts, "doctor_report", slow)
    cache.clear()
    assert facts() is None
    assert facts() is None  # the look still goes on, and no second one is begun
    go_on.set()
    next(thread for thread in threading.enumerate() if thread.name == "hardware").join(20)
    assert len(begun) == 1
    found = facts()
    assert found is not None
    assert found.versions == (("Python", "3.11.9"), ("torch", "2.0"))


def test_an_old_look_is_shown_while_a_new_one_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    monkeypatch.setattr(hardware_facts, "look", lambda: looks.append(1))
    facts()
    assert looks == []
    old = known(at=timezone.now() - timedelta(seconds=61))
    cache.set("hardware:doctor", old, timeout=60)
    assert facts() == old
    for thread in threading.enumerate():
        if thread.name == "hardware":
            thread.join(5)
    assert looks == [1]


def test_a_doctor_that_does_not_answer_leaves_what_was_known(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> dict[str, Any]:
        raise ValueError("no JSON")

    monkeypatch.setattr(hardware_facts, "doctor_report", broken)
    hardware_facts.look()
    assert facts() is not None
    assert "doctor did not answer" in caplog.text


def report() -> dict[str, Any]:
    return {
        "machine": {"python": "3.11.9"},
        "sandbox": {"error": None, "limits": [{"name": "memory", "how": "cgroup v2", "ok": True}]},
        "lab": {"error": "no lab here", "versions": {"torch": "2.0"}},
    }


def test_it_reads_the_report() -> None:
    found = facts_of(report())
    assert found.limits == (("memory", "cgroup v2", True),)
    assert found.problem == "no lab here"


@pytest.mark.box
def test_the_real_doctor_answers_with_what_the_page_needs() -> None:
    found = facts_of(hardware_facts.doctor_report())
    assert {"memory", "network", "seccomp"} <= {name for name, _, _ in found.limits}
    assert found.versions[0][0] == "Python"
