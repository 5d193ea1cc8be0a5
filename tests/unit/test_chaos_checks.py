"""What the chaos suite looks for: each checker passes what is right, and sees what is wrong."""

from __future__ import annotations

import dataclasses
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos import truth

RUN = truth.RunRow(
    id="r1",
    submission="s1",
    learner="ada",
    tier="cpu",
    status="done",
    verdict="passed",
    tries=1,
    second=False,
    writes=1,
)
SECOND = dataclasses.replace(RUN, id="r2", second=True)


def run(**values: object) -> truth.RunRow:
    return dataclasses.replace(RUN, **values)


def test_it_accepts_one_final_verdict_a_submission_and_its_second_run() -> None:
    assert truth.run_faults([RUN, SECOND, run(id="r3", submission="s3", verdict="infra_error", tries=3)], ["r1"]) == []


@pytest.mark.parametrize(
    ("rows", "promised", "fault"),
    [
        ([run(writes=2)], [], "run r1 got 2 verdicts"),
        ([run(writes=0)], [], "run r1 got 0 verdicts"),
        ([run(status="running", verdict="", writes=0)], [], "run r1 is running for ever"),
        ([run(status="queued", verdict="", writes=0)], [], "run r1 is queued for ever"),
        ([run(tries=4)], [], "run r1 took 4 tries"),
        ([RUN, run(id="r2")], [], "submission s1 has 2 first runs"),
        ([SECOND], [], "submission s1 has 0 first runs"),
        ([RUN], ["r1", "r9"], "run r9 was promised and is lost"),
    ],
    ids=["doubled", "unwritten", "running", "queued", "poison", "two first runs", "no first run", "lost"],
)
def test_it_sees_a_run_that_is_wrong(rows: list[truth.RunRow], promised: list[str], fault: str) -> None:
    assert truth.run_faults(rows, promised) == [fault]


def test_it_counts_attempts_only_for_verdicts_about_the_program() -> None:
    rows = [RUN, SECOND, run(verdict="failed"), run(verdict="infra_error"), run(verdict="cancelled"), run(tier="smoke")]
    assert truth.attempts(rows) == {"ada": 2}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The columns that are read, and one learner."""
    connection = sqlite3.connect(tmp_path / "db.sqlite3", isolation_level=None)
    connection.executescript(
        "CREATE TABLE accounts_user (id, username); INSERT INTO accounts_user VALUES (1, 'ada');"
        "CREATE TABLE submissions_run (id, submission_id, learner_id, tier, status, verdict, tries, confirms_id,"
        " regrade_id, kind);"
    )
    connection.close()
    return tmp_path


def test_it_notes_every_write_of_a_verdict_even_of_the_same(state: Path) -> None:
    truth.audit(state)
    connection = truth.database(state)
    row = ("a" * 32, "b" * 32, 1, "cpu", "running", "", 1, None, None, "submission")
    connection.execute(f"INSERT INTO submissions_run VALUES ({', '.join('?' * len(row))})", row)
    write = "UPDATE submissions_run SET status = 'done', verdict = 'passed'"
    connection.execute(write)
    assert truth.run_faults(truth.read_runs(state), []) == []
    connection.execute("UPDATE submissions_run SET tries = 2")
    connection.execute(write)
    faults = truth.run_faults(truth.read_runs(state), [])
    connection.close()
    assert faults == ["run aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa got 2 verdicts"]


def test_it_sees_a_folder_that_is_left_and_not_that_of_a_living_judge(tmp_path: Path) -> None:
    (tmp_path / f"rankzero-{os.getuid()}-0123456789ab").mkdir()
    home = tmp_path / "rankzero-judge-abc"
    home.mkdir()
    with subprocess.Popen([sys.executable, "-c", "input()"], cwd=home, stdin=subprocess.PIPE) as judge:
        assert truth.folder_faults(tmp_path) == []
        judge.communicate(b"\n")
    assert truth.folder_faults(tmp_path) == [f"{home} is left"]
    home.rmdir()
    (tmp_path / "anything").touch()
    assert truth.folder_faults(tmp_path) == [f"{tmp_path / 'anything'} is left"]


def test_it_sees_a_control_group_of_a_dead_boxd_and_not_of_others(tmp_path: Path) -> None:
    left = tmp_path / "memory" / "rankzero-4026531836-77-123"
    left.mkdir(parents=True)
    assert truth.cgroup_faults([78], tmp_path) == []
    assert truth.cgroup_faults([77], tmp_path) == [f"control group {left} is left"]


def test_it_sees_what_boxd_still_has() -> None:
    idle = {"boxes": [], "pods": [], "leases": []}
    assert truth.box_faults(idle) == []
    assert truth.box_faults({**idle, "leases": ["cores"]}) == ["boxd still has leases: ['cores']"]
    assert truth.box_faults({**idle, "boxes": ["box1"]}) == ["boxd still has boxes: ['box1']"]


def test_it_sees_an_orphan_and_not_a_child() -> None:
    with subprocess.Popen(["sleep", "1000"]) as child:
        assert truth.process_faults([child.pid], os.getpid()) == []
        assert truth.process_faults([child.pid], child.pid) == [f"process {child.pid} is an orphan: sleep 1000"]
        child.kill()
        child.wait()
        assert truth.process_faults([child.pid], os.getpid()) == []
