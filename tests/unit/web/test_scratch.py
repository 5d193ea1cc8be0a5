"""A worker whose disk is full takes no run: each would fail by our fault, and the queue would end in infra_error."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from webapp.config.lab import LabState
from webapp.submissions import execution
from webapp.submissions.scratch import no_room

ROOT = Path(__file__).resolve().parents[3]
FULL = "No room for temporary files on the worker's machine (No space left on device), so nothing runs there now."


def test_it_finds_room_where_there_is_some() -> None:
    assert no_room() == ""


@pytest.mark.parametrize("limit", ["size=128k", "nr_inodes=1"], ids=["bytes", "files"])
def test_it_says_why_there_is_none(tmp_path: Path, limit: str) -> None:
    """A small disk in a mount namespace of the test's."""
    say = f"import tempfile; from webapp.submissions.scratch import no_room; tempfile.tempdir = {str(tmp_path)!r}"
    say += "; print(no_room())"  # as in a worker, which chose the folder when there was room
    script = f'mount -t tmpfs -o {limit} none {tmp_path} && exec "$@"'
    argv = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", sys.executable, "-c", say]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == FULL, done.stderr


def test_it_keeps_a_worker_from_claiming(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "no_room", lambda: FULL)
    monkeypatch.setattr(execution, "lab_state", lambda: LabState(state="ready", text=""))
    monkeypatch.setattr(execution, "open_backend", lambda name: None)
    assert execution.cannot_run("smoke") == FULL
    monkeypatch.setattr(execution, "no_room", lambda: "")
    assert execution.cannot_run("smoke") == ""
