"""Variables are read strictly, and each one is documented."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from webapp.config import env

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = ROOT / "docs" / "configuration.md"
ROOMS = ("webapp", "grader", "sandbox", "lessons", "scripts")
USED = re.compile(r'RANKZERO_([A-Z][A-Z_]*[A-Z])|\benv_[a-z]+\("([A-Z][A-Z_]*)"')


def test_every_variable_is_documented_and_every_documented_one_exists() -> None:
    used = {
        "RANKZERO_" + (a or b).removesuffix("_FILE")
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if "node_modules" not in path.parts
        for a, b in USED.findall(path.read_text())
    }
    documented = set(re.findall(r"^\| `(RANKZERO_[A-Z_]+)`", DOCUMENT.read_text(), re.MULTILINE))
    assert used == documented


@pytest.mark.parametrize("value", ["yes", "true", "1"])
def test_it_refuses_an_unclear_bool(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANKZERO_DEBUG", value)
    with pytest.raises(ImproperlyConfigured, match="write True or False"):
        env.env_bool("DEBUG", default=False)


def test_it_reads_bools_and_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANKZERO_A", "True")
    monkeypatch.setenv("RANKZERO_B", " a, ,b ")
    assert env.env_bool("A", default=False) is True
    assert env.env_bool("NOT_SET", default=True) is True
    assert env.env_list("B") == ["a", "b"]


@pytest.mark.parametrize("value", ["-1", "9", "x", "1.5", "²"])
def test_it_refuses_a_number_out_of_bounds(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANKZERO_PROXIES", value)
    with pytest.raises(ImproperlyConfigured, match="from 0 to 8"):
        env.env_int("PROXIES", 0, high=8)


def test_it_reads_a_secret_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "s").write_text("hush\n")
    monkeypatch.setenv("RANKZERO_EMAIL_URL_FILE", str(tmp_path / "s"))
    assert env.env_secret("EMAIL_URL") == "hush"
    monkeypatch.setenv("RANKZERO_EMAIL_URL_FILE", str(tmp_path / "none"))
    with pytest.raises(ImproperlyConfigured, match="cannot be read"):
        env.env_secret("EMAIL_URL")


def test_it_makes_a_private_key_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANKZERO_SECRET_KEY", raising=False)
    key = env.secret_key(tmp_path)
    assert len(key) == 96
    assert env.secret_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600
    (tmp_path / "secret_key").write_text("")
    with pytest.raises(ImproperlyConfigured, match="delete it"):
        env.secret_key(tmp_path)


def test_it_reads_a_database_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANKZERO_DATABASE_URL", "postgresql://me:p%40ss@db:5433/rz?sslmode=require")
    found = env.database(tmp_path)
    assert (found["NAME"], found["USER"], found["PASSWORD"]) == ("rz", "me", "p@ss")
    assert (found["HOST"], found["PORT"], found["OPTIONS"]) == ("db", "5433", {"sslmode": "require"})
    monkeypatch.setenv("RANKZERO_DATABASE_URL", "mysql://x/y")
    with pytest.raises(ImproperlyConfigured, match="postgresql://"):
        env.database(tmp_path)


def test_sqlite_waits_for_other_writers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANKZERO_DATABASE_URL", raising=False)
    options = env.database(tmp_path)["OPTIONS"]
    assert (options["timeout"], options["transaction_mode"]) == (20, "IMMEDIATE")


def test_the_database_of_the_tests_is_in_wal_mode(db: None) -> None:
    from django.db import connection

    if connection.vendor != "sqlite":
        pytest.skip("the tests run on PostgreSQL")
    with connection.cursor() as cursor:
        mode = cursor.execute("PRAGMA journal_mode").fetchone()  # type: ignore[union-attr]
    assert mode == ("wal",)


def test_it_reads_a_mail_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANKZERO_EMAIL_URL", "smtps://me:p%40ss@mail.example.org")
    found = env.mail()
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"], found["EMAIL_USE_SSL"]) == ("mail.example.org", 465, True)
    assert found["EMAIL_HOST_PASSWORD"] == "p@ss"
    monkeypatch.setenv("RANKZERO_EMAIL_URL", "mail.example.org")
    with pytest.raises(ImproperlyConfigured, match="smtp://"):
        env.mail()


def test_models_and_migrations_agree(db: None) -> None:
    from django.core.management import call_command

    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
