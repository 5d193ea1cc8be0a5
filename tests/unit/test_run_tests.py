"""The runner of the suites: steps of one command and steps of several lanes, with small programs as suites."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from scripts import run_tests
from scripts.run_tests import ALL, FAST, ROOT, Step, run

SITS_DOWN = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).touch()\n"
# Ends only if the other lane lives at the same time.
MEETS = SITS_DOWN + "while not pathlib.Path(sys.argv[2]).exists(): time.sleep(0.01)\nprint('met')"


def python(code: str, *arguments: object) -> list[str]:
    return [sys.executable, "-c", code, *map(str, arguments)]


def test_its_lanes_run_side_by_side_and_show_all_that_they_print(tmp_path, capfd):
    a, b = tmp_path / "a", tmp_path / "b"
    assert run([Step("both", {"one": python(MEETS, a, b), "two": python(MEETS, b, a)})], os.environ) == 0
    said = capfd.readouterr().out
    assert said.count("met\n") == 2
    assert "── both: one: ok" in said
    assert "commands: 2 passed, 0 failed" in said


@pytest.mark.parametrize("bad", ["raise SystemExit(3)", "import os; os.kill(os.getpid(), 9)"])
def test_one_bad_lane_fails_the_step_and_hides_nothing(bad, capfd):
    lanes = {"good": python("print('fine')"), "bad": python(f"print('broke here', flush=True); {bad}")}
    assert run([Step("both", lanes), Step("after", python("print('still run')"))], os.environ) == 1
    said = capfd.readouterr().out
    assert {"fine", "broke here", "still run"} <= set(said.splitlines())
    assert "── both: bad: FAILED" in said
    assert "commands: 2 passed, 1 failed" in said


def test_a_bad_command_fails_the_run_and_a_good_one_does_not():
    assert run([Step("bad", python("raise SystemExit(1)")), Step("good", python(""))], os.environ) == 1
    assert run([Step("good", python(""))], os.environ) == 0


def test_it_says_how_far_a_long_lane_is(capfd, monkeypatch):
    monkeypatch.setattr(run_tests, "HEARTBEAT_S", 0.5)
    long = "import time; print('.... [ 40%]', flush=True); time.sleep(2)"
    run([Step("both", {"long": python(long), "short": python("print('ended')")})], os.environ)
    said = capfd.readouterr().out
    assert "long: .... [ 40%]" in said
    assert "short: ended" not in said


def test_it_counts_the_processor_time_of_a_lane_and_its_children(capfd):
    burn = "import time\nwhile time.process_time() < 0.5: pass"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}])"
    run([Step("both", {"busy": python(child), "idle": python("")})], os.environ)
    rows = {line.split()[1]: float(line.split()[-1]) for line in capfd.readouterr().out.splitlines() if " ok " in line}
    assert rows["busy"] >= 0.5
    assert rows["busy"] > rows["idle"] + 0.3


def test_a_run_that_is_stopped_leaves_no_lane(tmp_path):
    pids = tmp_path / "pids"
    lane = f"import os, time; open({str(pids)!r}, 'a').write(f'{{os.getpid()}}\\n'); time.sleep(60)"
    program = f"""
        import os, signal, sys
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
        sys.path.insert(0, {str(ROOT)!r})
        from scripts.run_tests import Step, run
        argv = [sys.executable, "-c", {lane!r}]
        run([Step("both", {{"one": argv, "two": argv}})], os.environ)
    """
    runner = subprocess.Popen(python(textwrap.dedent(program)), stderr=subprocess.DEVNULL)
    try:
        _until(lambda: pids.exists() and pids.read_text().count("\n") == 2)
        lanes = pids.read_text().split()
        assert all(map(_lives, lanes))
        runner.send_signal(signal.SIGINT)  # to it alone: the lanes do not get the terminal's Ctrl-C here
        runner.wait(10)
        _until(lambda: not any(map(_lives, lanes)))
    finally:
        runner.kill()
        runner.wait()


@pytest.mark.parametrize(("fails", "code", "in_lanes"), [(1, 0, False), (2, 1, False), (1, 0, True)])
def test_a_second_try_is_named_and_a_second_failure_is_one(tmp_path, capfd, fails, code, in_lanes):
    suite = tmp_path / "test_racing.py"
    suite.write_text(
        "from pathlib import Path\n"
        "def test_it_races():\n"
        "    tries = Path(__file__).with_suffix('.tries')\n"
        "    tries.write_text((tries.read_text() if tries.exists() else '') + 'x')\n"
        f"    assert len(tries.read_text()) > {fails}\n"
        "def test_it_passes():\n"
        "    with Path(__file__).with_suffix('.passed').open('a') as passed: passed.write('x')\n"
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    argv = run_tests.pytest(str(suite), "-c", str(tmp_path / "pytest.ini"), "-p", "no:django")
    assert run([Step("racing", {"tests": argv, "fine": python("")} if in_lanes else argv)], os.environ) == code
    said = capfd.readouterr().out
    assert re.search(r"^FAILED .*test_it_races", said, re.MULTILINE)
    assert re.search(r"^racing\S* .*" + ("ok, 2nd try" if code == 0 else "FAILED"), said, re.MULTILINE)
    assert suite.with_suffix(".tries").read_text() == "xx"
    assert suite.with_suffix(".passed").read_text() == "x", "only what failed is tried again"


@pytest.mark.parametrize("in_lanes", [False, True])
def test_a_step_that_hangs_is_ended_and_says_where_it_stands(capfd, monkeypatch, in_lanes):
    monkeypatch.setattr(run_tests, "LIMIT_S", 4.0)
    argv = python("import faulthandler, time\nfaulthandler.enable()\ndef it_hangs(): time.sleep(60)\nit_hangs()")
    hangs = {"hangs": argv, "fine": python("")} if in_lanes else argv
    assert run([Step("hanging", hangs), Step("after", python("print('still run')"))], os.environ) == 1
    out, err = capfd.readouterr()
    assert "in it_hangs" in out + err
    assert "still run" in out


@pytest.mark.parametrize("step", [*FAST, *ALL], ids=lambda step: step.name)
def test_each_step_runs_what_is_there(step):
    for argv in step.argv.values() if isinstance(step.argv, dict) else [step.argv]:
        paths = [ROOT / word for word in argv[1:] if word.startswith("tests/")]
        assert all(path.exists() for path in paths), argv


def test_what_wants_to_be_alone_is_where_its_step_looks():
    marked = [path for path in (ROOT / "tests").rglob("test_*.py") if "mark" + ".alone" in path.read_text()]
    (alone,) = (step for step in FAST if "alone" in step.argv)
    assert {str(path.parent.relative_to(ROOT)) for path in marked} == {one for one in alone.argv if "tests/" in one}


def _lives(pid: str) -> bool:
    return Path("/proc", pid).exists()


def _until(true) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
