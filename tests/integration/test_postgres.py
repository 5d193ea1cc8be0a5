"""What only a site on PostgreSQL and Redis does. `scripts/services.py run` provides both."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.integration.client import Client, exercise_files
from tests.site_process import ROOT, Site
from webapp.config import env

URL = os.environ.get("RANKZERO_DATABASE_URL", "")
pytestmark = pytest.mark.skipif(not URL, reason="RANKZERO_DATABASE_URL names no PostgreSQL")
PEOPLE = "from webapp.accounts.models import User; print(sorted(User.objects.values_list('username', flat=True)))"
QUICK = "90_fixtures/arithmetic"
SHORT = {"RANKZERO_LEASE_S": "6", "RANKZERO_HEARTBEAT_S": "2", "RANKZERO_SWEEP_S": "2"}
ADD = "from webapp.accounts.models import User; User.objects.create_user('{0}', '{0}@example.org', 'x')"


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A database of the test's own, named by the environment."""
    server, name = env.database(tmp_path), sql.Identifier("rz_test_own")
    words = {"user": server["USER"], "password": server["PASSWORD"], "host": server["HOST"], "port": server["PORT"]}
    with psycopg.connect(make_conninfo(dbname="postgres", **words), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        monkeypatch.setenv("RANKZERO_DATABASE_URL", urlsplit(URL)._replace(path="/rz_test_own").geturl())
        yield "rz_test_own"
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def manage(state: Path, *arguments: str, ok: bool = True) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT, env={**os.environ, "RANKZERO_STATE": str(state)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode == 0) is ok, done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout + done.stderr


def shell(state: Path, code: str) -> str:
    return manage(state, "shell", "--verbosity", "0", "-c", code).strip()


@pytest.mark.usefixtures("database")
def test_a_restore_brings_back_what_was_there_and_keeps_what_it_replaced(tmp_path: Path) -> None:
    state, archive = tmp_path / "state", tmp_path / "b.tar.gz"
    manage(state, "migrate", "--verbosity", "0")
    shell(state, ADD.format("ada"))
    manage(state, "backup", str(archive))
    shell(state, ADD.format("late"))
    manage(state, "restore", str(archive))
    assert shell(state, PEOPLE) == "['ada']"
    kept = list((state / "backups").glob("before-restore-*/database"))
    assert len(kept) == 1
    assert kept[0].read_bytes().startswith(b"PGDMP")


@pytest.mark.usefixtures("database")
def test_a_backup_of_the_other_kind_of_database_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state, archive = tmp_path / "state", tmp_path / "b.tar.gz"
    manage(state, "migrate", "--verbosity", "0")
    shell(state, ADD.format("ada"))
    with monkeypatch.context() as sqlite:
        sqlite.delenv("RANKZERO_DATABASE_URL")
        manage(tmp_path / "other", "migrate", "--verbosity", "0")
        manage(tmp_path / "other", "backup", str(archive))
    assert "is of sqlite, the site is set to postgresql" in manage(state, "restore", str(archive), ok=False)
    assert shell(state, PEOPLE) == "['ada']"


@pytest.mark.box
@pytest.mark.usefixtures("database")
def test_up_runs_on_both_and_starts_no_valkey(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.start()
    try:
        assert site.process is not None
        tree = [" ".join(p.cmdline()) for p in psutil.Process(site.process.pid).children(recursive=True)]
        assert any("uvicorn" in argv for argv in tree)
        assert not any("valkey" in argv for argv in tree)
        assert not (tmp_path / "db.sqlite3").exists()
        assert "learner" in shell(tmp_path, PEOPLE)
    finally:
        site.stop()


@pytest.mark.box
@pytest.mark.usefixtures("database")
def test_a_worker_that_is_killed_loses_no_run_and_doubles_none(tmp_path: Path) -> None:
    """One scenario of the chaos suite, whose checks read SQLite."""
    site = Site(tmp_path, env={**SHORT, "RANKZERO_LESSONS": str(ROOT / "tests" / "fixtures" / "lessons")})
    site.start()
    try:
        with Client(site) as client:
            client.sign_in()
            slow = {
                name: f"import time\ntime.sleep(1)\n{text}" for name, text in exercise_files(QUICK, "solution").items()
            }
            runs = [client.submit(QUICK, slow).json()["run"] for _ in range(4)]
        wait_until(lambda: "running" in states(runs))
        kill_worker(site)
        wait_until(lambda: all(state == "done passed" for state in states(runs)))
        assert site.output().count("tier smoke: passed") == len(runs), "a verdict was written twice"
        assert max(tries(runs)) == 2, "nothing was killed in the middle of a run"
    finally:
        site.stop()


def kill_worker(site: Site) -> None:
    """With its pool: the machine lost power, as far as the queue can tell."""
    assert site.process is not None
    tree = psutil.Process(site.process.pid).children(recursive=True)
    worker = next(one for one in tree if {"celery", "worker", "smoke"} <= set(one.cmdline()))
    for one in [*worker.children(recursive=True), worker]:
        one.send_signal(signal.SIGKILL)


def column(expression: str, runs: list[str]) -> list[Any]:
    server = env.database(ROOT)
    words = {"user": server["USER"], "password": server["PASSWORD"], "host": server["HOST"], "dbname": server["NAME"]}
    query = sql.SQL("SELECT {} FROM submissions_run WHERE id = ANY(%s::uuid[])").format(sql.SQL(expression))
    with psycopg.connect(make_conninfo(**words)) as connection:
        return [row[0] for row in connection.execute(query, [runs]).fetchall()]


def states(runs: list[str]) -> list[str]:
    """Status and verdict of each."""
    return [text.strip() for text in column("status || ' ' || verdict", runs)]


def tries(runs: list[str]) -> list[int]:
    return column("tries", runs)


def wait_until(true: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)
