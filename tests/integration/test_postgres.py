"""What only a site on PostgreSQL and Redis does. `scripts/services.py run` provides both."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.site_process import ROOT, Site
from webapp.config import env

URL = os.environ.get("RANKZERO_DATABASE_URL", "")
pytestmark = pytest.mark.skipif(not URL, reason="RANKZERO_DATABASE_URL names no PostgreSQL")
PEOPLE = "from webapp.accounts.models import User; print(sorted(User.objects.values_list('username', flat=True)))"
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
