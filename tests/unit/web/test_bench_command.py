"""`manage.py bench`: what it prints and how it exits. What it measures is tested in tests/unit/sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from sandbox import SandboxUnavailable
from webapp.config.management.commands import bench


def measure(*, quick, rounds, say):
    say("halfway")
    return {"quick": quick, "rounds": rounds, "goals": [{"met": False}]}


def table(document) -> Iterator[str]:
    yield f"rounds {document['rounds']}"


@pytest.fixture(autouse=True)
def one_bench(monkeypatch):
    monkeypatch.setattr(bench, "BENCHES", {"box": bench.Bench(run=measure, lines=table)})


def run(*argv: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("bench", *argv, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_the_table_goes_to_stdout_and_progress_to_stderr():
    assert run("box", "--rounds", "5") == ("rounds 5\n", "halfway\n")


def test_json_is_one_document_and_nothing_else_on_stdout():
    out, _ = run("box", "--json", "--quick")
    assert json.loads(out) == {"quick": True, "rounds": None, "goals": [{"met": False}]}


def test_a_missed_goal_is_a_measurement_not_a_failure():
    run("box")  # its goal is missed; CommandError or SystemExit would fail this test


def test_all_runs_every_bench_and_keeps_their_names():
    out, _ = run("all", "--json")
    assert list(json.loads(out)) == ["box"]


def test_what_could_not_be_measured_is_an_error(monkeypatch):
    def impossible(**_):
        raise SandboxUnavailable("no box can be started here")

    monkeypatch.setattr(bench, "BENCHES", {"box": bench.Bench(run=impossible, lines=table)})
    with pytest.raises(CommandError, match="could not measure: no box can be started here"):
        run("box")


@pytest.mark.parametrize("argv", [["cpu"], [], ["box", "--rounds", "0"]])
def test_a_wrong_call_says_so(argv):
    with pytest.raises(CommandError, match=r"invalid|required"):
        run(*argv)
