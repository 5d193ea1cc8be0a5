"""`manage.py worker`: one Celery worker a queue, as many slots as the machine has room for."""

from __future__ import annotations

import os
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from webapp.config import lab, supervisor
from webapp.config.management.commands import worker
from webapp.config.slots import slots, slots_here

BIG = 1024 * 1024


@pytest.mark.parametrize(
    ("cores", "smoke", "cpu"), [(1, 1, 1), (2, 1, 1), (3, 2, 1), (4, 2, 2), (16, 8, 8)], ids=lambda many: str(many)
)
def test_quick_and_timed_runs_share_the_cores(cores: int, smoke: int, cpu: int) -> None:
    assert slots("smoke", cores=cores, memory_mb=BIG, gpus=0) == smoke
    assert slots("cpu", cores=cores, memory_mb=BIG, gpus=0) == cpu


@pytest.mark.parametrize(("gpus", "runs"), [(0, 1), (1, 1), (8, 8)])
def test_each_gpu_has_one_run(gpus: int, runs: int) -> None:
    assert slots("gpu", cores=2, memory_mb=BIG, gpus=gpus) == runs


def test_memory_bounds_what_cores_would_allow() -> None:
    assert slots("cpu", cores=64, memory_mb=16 * 1024, gpus=0) == 4
    assert slots("cpu", cores=64, memory_mb=512, gpus=0) == 1


def test_it_counts_this_machine() -> None:
    assert 1 <= slots_here("cpu") <= max(1, len(os.sched_getaffinity(0)) // 2)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the command would become or start."""
    calls: list[Any] = []

    class Tree:
        def __init__(self, parts: dict[str, list[str]], **options: Any) -> None:
            calls.append(parts)

        def run(self) -> int:
            return 0

    monkeypatch.setattr(lab, "ensure", lambda: None)
    monkeypatch.setattr(worker, "Tree", Tree)

    def become(program: str, argv: list[str]) -> None:
        calls.append(argv)
        raise SystemExit(0)

    monkeypatch.setattr(os, "execv", become)
    return calls


def run(*argv: str) -> None:
    with pytest.raises(SystemExit):
        call_command("worker", *argv)


def test_for_one_queue_it_becomes_a_celery_worker(started: list[Any]) -> None:
    run("--queues", "smoke")
    (argv,) = started
    assert argv[argv.index("--queues") + 1] == "smoke"
    assert argv[argv.index("--concurrency") + 1] == str(slots_here("smoke"))
    assert argv[argv.index("--prefetch-multiplier") + 1] == "1"


def test_for_several_queues_each_gets_a_worker_of_its_own(started: list[Any]) -> None:
    run("--queues", "cpu, smoke,cpu", "--concurrency", "3")
    (parts,) = started
    assert list(parts) == ["worker-cpu", "worker-smoke"]
    assert parts["worker-cpu"][-3:] == ["--queues", "cpu", "--concurrency=3"]


@pytest.mark.parametrize("queues", ["fast", "smoke,fast", "", ","])
def test_it_refuses_a_queue_that_there_is_not(started: list[Any], queues: str) -> None:
    with pytest.raises(CommandError, match="name one or more of smoke, cpu, gpu"):
        call_command("worker", "--queues", queues)
    assert started == []


def test_the_site_has_a_worker_for_each_of_its_queues() -> None:
    parts = supervisor.processes("127.0.0.1", 8000, ["smoke", "cpu"])
    assert [name for name in parts if name.startswith("worker")] == ["worker-smoke", "worker-cpu"]
    assert parts["worker-cpu"][-2:] == ["--queues", "cpu"]
