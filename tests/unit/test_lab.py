"""How far the lab is, as pages and terminal are told."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from webapp.config import lab


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RANKZERO_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("RANKZERO_LAB", str(tmp_path / "lab"))
    monkeypatch.delenv("RANKZERO_TORCH", raising=False)
    (tmp_path / "lab").mkdir()
    return tmp_path


def test_it_is_missing_at_first() -> None:
    assert lab.lab_state().state == "missing"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"state": "ready"}', '{"state": 1, "text": null, "done": "x"}'])
def test_it_survives_a_half_written_file(text: str) -> None:
    lab.state_file().write_text(text)
    assert lab.lab_state().state == "missing"


def test_it_is_ready_only_while_the_locks_are_those_it_was_made_from() -> None:
    lab.write_state(lab.LabState(state="ready", text="The lab is ready.", done=1.0))
    assert lab.lab_state().state == "missing"
    lab.stamp().write_text(lab.lab_key())
    assert lab.lab_state().state == "ready"


def test_it_counts_what_pip_says(capsys: pytest.CaptureFixture[str]) -> None:
    progress = lab.Progress(4)
    for line in ("Collecting numpy==2", "  Downloading numpy", "Requirement already satisfied: pip"):
        progress.pip_line(line)
    assert progress.seen == 2
    assert progress.done == pytest.approx(lab.PIP_SHARE / 2)
    assert lab.lab_state().state == "installing"
    assert "lab: Installing" in capsys.readouterr().out


def test_it_shows_the_last_lines_of_what_failed() -> None:
    with pytest.raises(lab.LabError, match="no network here"):
        lab.run([sys.executable, "-c", "print('no network here'); exit(3)"], lambda line: None)
    lab.run([sys.executable, "-c", "print('fine')"], lambda line: None)


@pytest.mark.parametrize("chosen", ["cpu", "cuda"])
def test_it_takes_the_build_that_was_chosen(chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANKZERO_TORCH", chosen)
    assert lab.flavour() == chosen
    assert all(path.is_file() for path in lab.locks())


def test_it_refuses_a_build_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANKZERO_TORCH", "rocm")
    with pytest.raises(lab.LabError, match="use cpu or cuda"):
        lab.flavour()


@pytest.mark.parametrize(
    ("driver", "torch", "tiers"),
    [
        (True, "", "smoke,cpu,gpu"),
        (True, "cuda", "smoke,cpu,gpu"),
        (True, "cpu", "smoke,cpu"),
        (False, "", "smoke,cpu"),
    ],
)
def test_a_driver_offers_the_gpu_tier_unless_pytorch_is_to_do_without(
    driver: bool, torch: str, tiers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab, "has_driver", lambda: driver)
    monkeypatch.setenv("RANKZERO_TORCH", torch)
    assert lab.default_tiers() == tiers
