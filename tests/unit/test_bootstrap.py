"""The set-up's own logic; its steps run for real in every fresh clone."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scripts import bootstrap
from scripts.bootstrap import SetupError


@pytest.fixture
def stamps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(bootstrap, "STAMPS", tmp_path)
    return tmp_path


def test_it_runs_a_step_once_for_each_key(stamps: Path) -> None:
    calls: list[str] = []
    for key in ("a", "a", "b", "b", "a"):
        bootstrap.once("step", key, lambda: calls.append("ran"))
    assert len(calls) == 3


def test_it_runs_a_failed_step_again(stamps: Path) -> None:
    def fail() -> None:
        raise SetupError("no")

    with pytest.raises(SetupError):
        bootstrap.once("step", "a", fail)
    calls: list[str] = []
    bootstrap.once("step", "a", lambda: calls.append("ran"))
    assert calls == ["ran"]


def test_it_says_how_much_space_is_missing(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="GiB free"):
        bootstrap.need_space(tmp_path, 10**18)
    bootstrap.need_space(tmp_path, 1)


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: No matching distribution found for x", "package index"),
        ("SyntaxError", "finished steps are kept"),
    ],
)
def test_it_shows_the_last_lines_of_a_failed_command_and_what_to_do(line: str, hint: str) -> None:
    with pytest.raises(SetupError, match=hint) as caught:
        bootstrap.run_with_progress([sys.executable, "-c", f"print({line!r}); exit(1)"], "the step", None)
    assert line in str(caught.value)


def test_it_depends_on_names_and_contents(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("x")
    first = bootstrap.digest([one])
    one.rename(two)
    assert bootstrap.digest([two]) != first
    two.write_text("y")
    assert bootstrap.digest([two]) != first


def test_the_front_end_leaves_its_build_out_of_its_key() -> None:
    parts = {part for path in bootstrap.frontend_sources() for part in path.relative_to(bootstrap.FRONTEND).parts}
    assert "package-lock.json" in parts
    assert not parts & {"node_modules", "dist"}
