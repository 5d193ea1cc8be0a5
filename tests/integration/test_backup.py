"""Backup and restore through the real commands, on a real database."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.site_process import ROOT, Site

PEOPLE = "from webapp.accounts.models import User; print(sorted(User.objects.values_list('username', flat=True)))"
ADD = "from webapp.accounts.models import User; User.objects.create_user('{0}', '{0}@example.org', 'x')"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir()
    manage(folder, "migrate", "--verbosity", "0")
    manage(folder, "shell", "--verbosity", "0", "-c", ADD.format("ada"))
    return folder


def manage(state: Path, *arguments: str, ok: bool = True) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT, env={**os.environ, "RANKZERO_STATE": str(state)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode == 0) is ok, done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout + done.stderr


def people(state: Path) -> str:
    return manage(state, "shell", "--verbosity", "0", "-c", PEOPLE).strip()


def test_it_brings_back_what_was_there_and_keeps_what_it_replaced(state: Path, tmp_path: Path) -> None:
    archive = tmp_path / "b.tar.gz"
    secret = (state / "secret_key").read_text()
    manage(state, "backup", str(archive))
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    manage(state, "shell", "--verbosity", "0", "-c", ADD.format("late"))
    (state / "secret_key").write_text("x" * 64)
    assert people(state) == "['ada', 'late']"
    manage(state, "restore", str(archive))
    assert people(state) == "['ada']"
    assert (state / "secret_key").read_text() == secret
    kept = list((state / "backups").glob("before-restore-*/database"))
    assert len(kept) == 1


def test_it_restores_into_an_empty_state_folder(state: Path, tmp_path: Path) -> None:
    archive = tmp_path / "b.tar.gz"
    manage(state, "backup", str(archive))
    fresh = tmp_path / "fresh"
    manage(fresh, "restore", str(archive))
    assert people(fresh) == "['ada']"


def test_it_refuses_a_damaged_archive_and_changes_nothing(state: Path, tmp_path: Path) -> None:
    archive = tmp_path / "b.tar.gz"
    manage(state, "backup", str(archive))
    raw = bytearray(archive.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    archive.write_bytes(raw)
    assert "Nothing was changed" in manage(state, "restore", str(archive), ok=False)
    assert people(state) == "['ada']"


@pytest.mark.parametrize("name", ["../escape", "/etc/escape", "other"])
def test_it_refuses_members_that_no_backup_has(state: Path, tmp_path: Path, name: str) -> None:
    archive = tmp_path / "evil.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        info = tarfile.TarInfo(name)
        info.size = 4
        tar.addfile(info, io.BytesIO(b"evil"))
    assert "no backup of ours" in manage(state, "restore", str(archive), ok=False)
    assert not (tmp_path / "escape").exists()


def test_it_never_overwrites_an_existing_file(state: Path, tmp_path: Path) -> None:
    archive = tmp_path / "b.tar.gz"
    archive.write_text("precious")
    manage(state, "backup", str(archive), ok=False)
    assert archive.read_text() == "precious"


@pytest.mark.box
def test_it_refuses_to_restore_under_a_running_site(state: Path, tmp_path: Path) -> None:
    archive = tmp_path / "b.tar.gz"
    manage(state, "backup", str(archive))
    site = Site(state)
    site.start()
    try:
        assert "running" in manage(state, "restore", str(archive), ok=False)
        manage(state, "backup", str(tmp_path / "live.tar.gz"))
    finally:
        site.stop()
