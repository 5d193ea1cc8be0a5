"""Celery's side is thin: each task is one call."""

from __future__ import annotations

import contextlib
import json
import multiprocessing.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import redis
from billiard.heap import Arena
from django.core.management import call_command
from django.db import connection

from webapp.accounts.models import User
from webapp.config.celery import app
from webapp.config.paths import state_dir
from webapp.submissions import execution, queue, tasks
from webapp.submissions.models import Run
from webapp.submissions.waking import wake

ROOT = Path(__file__).resolve().parents[3]
CLAIMER = """
import json, sys, django
django.setup()
from webapp.submissions.queue import run_claim
print("ready", flush=True)
assert sys.stdin.readline() == "go\\n"
claimed = []
while (run := run_claim(queue="smoke", worker=sys.argv[1])) is not None:
    claimed.append(str(run.pk))
print(json.dumps(claimed))
"""


def test_a_task_is_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []
    monkeypatch.setattr(execution, "drain", calls.append)
    monkeypatch.setattr(queue, "sweep", lambda: calls.append("swept"))
    tasks.work("cpu")
    tasks.sweep()
    assert calls == ["cpu", "swept"]


def test_a_message_names_the_queue_and_carries_no_work(valkey: str) -> None:
    wake("cpu")
    raw: Any = redis.Redis.from_url(valkey).lrange("cpu", 0, -1)
    assert len(raw) == 1
    assert json.loads(raw[0])["headers"]["argsrepr"] == "['cpu']"


def test_the_queue_is_set_as_designed() -> None:
    assert app.conf.task_acks_late is False
    assert app.conf.worker_prefetch_multiplier == 1
    beat = app.conf.beat_schedule["sweep"]
    assert (beat["task"], beat["schedule"]) == (tasks.sweep.name, 15.0)


def test_sync_lessons_prints_what_it_found(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("sync_lessons")
    assert "exercises" in capsys.readouterr().out


def database_env(folder: Path) -> dict[str, str]:
    """What makes another process open the database of this test."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        (folder / "db.sqlite3").symlink_to(database["NAME"])
        return {"RANKZERO_STATE": str(folder)}
    place = f"{database['NAME']}?{urlencode({'host': database['HOST'], 'port': database['PORT']})}"
    return {"RANKZERO_DATABASE_URL": f"postgresql://{database['USER']}:{database['PASSWORD']}@/{place}"}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("woken")
def test_processes_never_claim_the_same_run(
    submit: Callable[..., Run], learner: User, peer: User, tmp_path: Path
) -> None:
    runs = sorted(str(submit(user).pk) for user in (learner, peer) for _ in range(10))
    env = {**os.environ, **database_env(tmp_path), "DJANGO_SETTINGS_MODULE": "webapp.config.settings"}
    env["RANKZERO_RUNS_PER_USER"] = "1000"
    with contextlib.ExitStack() as stack:
        workers = [stack.enter_context(claimer(f"w{number}", env)) for number in range(3)]
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        answers = [json.loads(worker.communicate(timeout=60)[0]) for worker in workers]
    assert sorted(pk for claimed in answers for pk in claimed) == runs


@contextlib.contextmanager
def claimer(name: str, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A process that claims when told to, and never outlives its test."""
    argv = [sys.executable, "-c", CLAIMER, name]
    with subprocess.Popen(argv, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_killed_worker_leaves_no_temporary_folder_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pool's heap asks for one where none is set, and only a process that ends well removes it."""
    monkeypatch.delitem(multiprocessing.current_process()._config, "tempdir", raising=False)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    tasks.leave_no_folder()
    Arena(4096)
    assert list((tmp_path / "tmp").iterdir()) == []
    assert multiprocessing.util.get_temp_dir() == str(state_dir())
