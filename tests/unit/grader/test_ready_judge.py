"""The judge's process that waits for the next run: used once, replaced, and survived when it dies."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from grader import grade
from grader.judge_start import READY, JudgeProcess, ReadyJudge, Setting, remove_orphans
from tests.fixtures.exercises import ROOT, fixture_exercise, grade_text, judged_by, log_of

pytestmark = [pytest.mark.box, pytest.mark.lab]

HONEST = fixture_exercise("arithmetic").solution["main.py"]
SAYS_ITS_PID = "import os\n\ndef judge(bench):\n    bench.log(str(os.getpid()))\n    bench.log(str(BEFORE))\n"


@pytest.fixture
def ready():
    with READY.kept():
        assert READY.await_ready(30)
        yield READY


def pids_of(exercise) -> list[str]:
    return log_of(lambda keep: grade(exercise, {"main.py": b""}, tier="smoke", seed=1, on_event=keep))


def waiting_pid(ready: ReadyJudge) -> int:
    assert ready._waiting is not None
    return ready._waiting.process.pid


def test_a_ready_judge_serves_one_run_and_the_next_gets_another(ready, tmp_path):
    source = "import builtins\nBEFORE = getattr(builtins, 'seen', 0)\nbuiltins.seen = 1\n" + SAYS_ITS_PID
    exercise = judged_by(source, tmp_path)
    expected = waiting_pid(ready)
    first = pids_of(exercise)
    assert first == [f"judge: {expected}", "judge: 0"]
    assert ready.await_ready(30)
    expected = waiting_pid(ready)
    # What the first run left in its process is not there.
    assert pids_of(exercise) == [f"judge: {expected}", "judge: 0"]
    assert expected != int(first[0].split()[1])
    assert not psutil.pid_exists(int(first[0].split()[1]))


def test_without_a_keeper_nothing_waits():
    assert READY._waiting is None
    assert grade_text("arithmetic", HONEST).verdict == "passed"
    assert READY._waiting is None


def test_a_ready_judge_that_was_killed_is_replaced_unnoticed(ready):
    pid = waiting_pid(ready)
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # dying takes a moment, and it stays ours to reap
    assert grade_text("arithmetic", HONEST).verdict == "passed"


def test_it_is_not_used_in_another_setting_than_it_was_started_with(ready, monkeypatch):
    before = waiting_pid(ready)
    monkeypatch.setenv("RANKZERO_BOXD", "/nowhere/boxd.sock")
    taken = ready.take()
    try:
        assert taken.process.pid != before
        assert taken.setting.environment["RANKZERO_BOXD"] == "/nowhere/boxd.sock"
        assert not psutil.pid_exists(before)
    finally:
        taken.discard()


def test_in_the_same_setting_it_is(ready):
    before = waiting_pid(ready)
    taken = ready.take()
    taken.discard()
    assert taken.process.pid == before


def test_it_ends_with_whoever_keeps_it():
    with READY.kept():
        assert READY.await_ready(30)
        pid = waiting_pid(READY)
        home = Path(f"/proc/{pid}/cwd").readlink()
        assert psutil.pid_exists(pid)
    assert not psutil.pid_exists(pid)
    assert not home.exists()


@pytest.mark.parametrize("waits_s", [0, 30])
def test_it_ends_and_leaves_no_folder_when_its_owner_is_killed(waits_s):
    """Also when that was before its imports were done."""
    program = f"from grader.judge_start import READY\nimport sys\nREADY.keep()\nREADY.await_ready({waits_s})\n"
    program += "print(READY._waiting.process.pid, flush=True)\nsys.stdin.read()\n"
    owner = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    judge = psutil.Process(int(owner.stdout.readline()))
    home = Path(judge.cwd())
    assert home.is_dir()
    owner.kill()
    owner.communicate()
    judge.wait(20)
    deadline = time.monotonic() + 20
    while home.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not home.exists()


def test_a_forked_child_neither_takes_nor_holds_the_parents_judge(ready):
    expected = waiting_pid(ready)
    held = ready._waiting.process.stdin.fileno()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.fstat(held)
        except OSError:
            code = 0 if READY._waiting is None else 2
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert waiting_pid(ready) == expected
    assert ready._waiting.alive
    assert READY.await_ready(1)


def test_a_judge_without_a_lab_is_no_reason_to_fail_early(monkeypatch, tmp_path, caplog):
    monkeypatch.setenv("RANKZERO_LAB", str(tmp_path / "nowhere"))
    with READY.kept():
        assert not READY.await_ready(0)
    assert "no judge can be kept ready" in caplog.text


def test_a_judge_says_when_its_imports_are_done():
    process = JudgeProcess(Setting.now())
    try:
        assert process.await_ready(30)
    finally:
        process.discard()


@pytest.mark.parametrize(("is_timed", "waits"), [(True, False), (False, True)])
def test_beside_a_timed_run_no_other_judge_does_its_imports(ready, tmp_path, is_timed, waits):
    exercise = judged_by("def judge(bench):\n    bench.log('measuring')\n", tmp_path)
    exercise = dataclasses.replace(exercise, manifest=exercise.manifest.model_copy(update={"timed": is_timed}))
    seen = []
    grade(exercise, {"main.py": b""}, tier="cpu", on_event=lambda event: seen.append(ready._waiting is not None))
    assert seen == [waits]
    assert ready.await_ready(30)  # afterwards there is one for the next run


STARTS_ONE_AND_IS_KILLED = """
import os, signal
from grader.judge_start import JudgeProcess, Setting
judge = JudgeProcess(Setting.now())
judge.process.kill()  # so that it cannot remove its folder itself
judge.process.wait()
print(judge._home, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_left_is_removed_by_the_next_and_what_lives_is_not(ready, tmp_path):
    ours = JudgeProcess(Setting.now())
    home = ours._home
    kept = tmp_path / "rankzero-judge-of-somebody-else"  # no name of ours: not judged
    kept.mkdir()
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", STARTS_ONE_AND_IS_KILLED], cwd=ROOT, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    left = Path(done.stdout.strip())
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert left.parent == tmp_path
    (left / "half").write_text("made")
    remove_orphans(tmp_path)
    remove_orphans(home.parent)
    assert not left.exists()
    assert kept.exists()
    assert home.exists()
    ours.discard()
    assert not home.exists()
