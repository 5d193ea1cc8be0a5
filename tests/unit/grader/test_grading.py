"""`grade`: refusals before anything runs, and judges that fail. The fixtures run in real boxes."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import time

import psutil
import pytest

import grader
from grader.grading import OUR_FAULT, LogTail
from tests.fixtures.exercises import ROOT, fixture_exercise, grade_text, judged_by, log_of

HONEST = fixture_exercise("arithmetic").solution["main.py"].encode()


def judged(source, folder, **limits):
    exercise = judged_by("from grader.api import *\n\n\ndef judge(bench):\n" + source, folder, **limits)
    return grader.grade(exercise, {"main.py": HONEST}, tier="smoke", seed=1)


@pytest.mark.parametrize(
    ("files", "tier", "message"),
    [
        ({}, "smoke", r"missing \['main.py'\]"),
        ({"main.py": b"", "helper.py": b""}, "smoke", r"not wanted \['helper.py'\]"),
        ({"main.py": b"", "../judge.py": b""}, "smoke", "not wanted"),
        ({"main.py": b"x" * (129 * 1024)}, "smoke", "the limit is 131072"),
        ({"main.py": b""}, "gpu", "no tier 'gpu'"),
        ({"main.py": b""}, "huge", "no tier 'huge'"),
    ],
)
def test_it_refuses_what_cannot_be_graded(files, tier, message):
    with pytest.raises(grader.SubmissionError, match=message):
        grader.grade(fixture_exercise("arithmetic"), files, tier=tier)


def test_it_says_what_to_do_without_a_lab(monkeypatch, tmp_path):
    monkeypatch.setenv("RANKZERO_LAB", str(tmp_path / "nowhere"))
    with pytest.raises(grader.InfraError, match="run 'make setup', or set RANKZERO_LAB"):
        grade_text("arithmetic", "")


@pytest.mark.box
@pytest.mark.lab
def test_it_raises_where_there_is_no_sandbox():
    with pytest.raises(grader.SandboxUnavailable, match="no sandbox backend"):
        grade_text("arithmetic", "", backend="nosuch")


@pytest.mark.box
@pytest.mark.lab
def test_it_gives_the_same_report_for_the_same_seed():
    texts = []
    for _ in range(2):
        report = grade_text("arithmetic", HONEST.decode(), seed=99)
        texts.append((report.metrics, report.checks, report.log_tail, report.seed))
    assert texts[0] == texts[1]
    assert grade_text("arithmetic", HONEST.decode(), seed=100).log_tail != texts[0][2]


@pytest.mark.box
@pytest.mark.lab
@pytest.mark.parametrize(
    ("judge", "said"),
    [
        ("    1 / 0\n", "ZeroDivisionError"),
        ("    bench.metric('unheard', 1)\n", "metric 'unheard' is not declared"),
        ("    bench.check('unheard', True)\n", "check 'unheard' is not declared"),
        ("    bench.metric('right_share', float('nan'))\n", "not finite"),
        ("    bench.metric('right_share', 1)\n    bench.metric('right_share', 1)\n", "reported twice"),
        ("    bench.metric('right_share', 1)\n", "without reporting echoes, has_docstring"),
        ("    import os\n    print('last words')\n    os._exit(7)\n", "exit code 7"),
        ("    import os, signal\n    os.kill(os.getpid(), signal.SIGSEGV)\n", "signal 11"),
        ("    import sys\n    sys.exit(0)\n", "the judge died"),
    ],
)
def test_it_takes_the_blame_for_a_judge_that_fails(judge, said, tmp_path, caplog):
    caplog.set_level(logging.ERROR)
    report = judged(judge, tmp_path)
    assert (report.verdict, report.message, report.score) == ("infra_error", OUR_FAULT, 0.0)
    assert said in caplog.text


@pytest.mark.box
@pytest.mark.lab
def test_it_stops_a_judge_that_hangs(tmp_path, caplog):
    started = time.monotonic()
    report = judged("    bench.candidate().call('add', 1, 2)\n    while True: pass\n", tmp_path, judge_wall_s=2.0)
    assert report.verdict == "infra_error"
    assert "did not end within 2 seconds" in caplog.text
    assert time.monotonic() - started < 25


@pytest.mark.box
@pytest.mark.lab
def test_it_limits_a_judges_memory(tmp_path, caplog):
    report = judged("    bytearray(2 << 30)\n", tmp_path, judge_memory_mb=600)
    assert report.verdict == "infra_error"
    assert "MemoryError" in caplog.text


@pytest.mark.box
@pytest.mark.lab
def test_it_shows_a_judges_prints_only_at_smoke(tmp_path):
    exercise = judged_by("def judge(bench):\n    print('hidden input')\n    bench.log('said')\n", tmp_path)

    def run(tier):
        return log_of(lambda keep: grader.grade(exercise, {"main.py": b""}, tier=tier, on_event=keep))

    assert sorted(run("smoke")) == ["judge: hidden input", "judge: said"]
    assert run("cpu") == ["judge: said"]


@pytest.mark.box
@pytest.mark.lab
def test_it_stops_when_cancelled():
    started = time.monotonic()
    report = grade_text("writer", "import time\ntime.sleep(60)\n", cancelled=lambda: time.monotonic() > started + 1.0)
    assert report.verdict == "cancelled"
    assert time.monotonic() - started < 25


@pytest.mark.box
@pytest.mark.lab
@pytest.mark.parametrize(
    ("slug", "source", "verdict", "words"),
    [
        ("arithmetic", "x = [0] * 10\nwhile True:\n    x += x\n", "out_of_memory", "256 MB"),
        ("writer", "x = b'1'\nwhile True:\n    x += x\n", "out_of_memory", "256 MB"),
        ("writer", "while True:\n    pass\n", "timed_out", "2 CPU seconds"),
        ("arithmetic", "import time\ntime.sleep(60)\n", "timed_out", "10 seconds"),
        ("arithmetic", "def add(a, b)\n    return a\n", "crashed", "main.py, line 1\n    def add(a, b)\nSyntaxError"),
        ("writer", "def add(a, b)\n    return a\n", "crashed", "line 1"),
        ("arithmetic", "import nosuch\n", "crashed", "No module named 'nosuch'"),
        ("writer", "raise ValueError('broken')\n", "crashed", "ValueError: broken"),
        ("arithmetic", "", "crashed", "no function 'add'"),
        ("arithmetic", "\0", "crashed", "null bytes"),
    ],
)
def test_it_names_what_the_learners_program_did(slug, source, verdict, words):
    report = grade_text(slug, source)
    assert report.verdict == verdict
    assert words in report.message


@pytest.mark.box
@pytest.mark.lab
def test_it_still_grades_a_program_that_floods_the_log():
    flood = "import sys\nfor i in range(150_000):\n    print('flood', i)\n"
    lines: list[str] = []
    report = grade_text("arithmetic", flood + HONEST.decode(), on_event=lambda event: lines.append(str(event)))
    assert report.verdict == "passed"
    assert len(lines) < 60_000
    assert any("output is over its limit" in line for line in lines)
    assert len(report.to_json()) < 100_000
    assert any("adding" in line for line in report.log_tail)


@pytest.mark.box
@pytest.mark.lab
def test_it_leaves_nothing_behind_when_it_is_killed():
    script = (
        "from tests.fixtures.exercises import grade_text\n"
        "program = 'import time\\nprint(1, flush=True)\\ntime.sleep(60)'\n"
        "grade_text('writer', program, on_event=lambda event: print(event, flush=True))"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE)
    assert parent.stdout.readline()
    children = psutil.Process(parent.pid).children(recursive=True)
    assert any("grader.judge_main" in child.cmdline() for child in children)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    _, alive = psutil.wait_procs(children, timeout=20)
    assert alive == []


def test_it_keeps_a_tail_that_fits_a_report():
    tail = LogTail(None)
    for i in range(1000):
        tail.event(grader.LogEvent(stream="out", text=f"{i} " + "é" * 3000))
    lines = tail.lines()
    assert lines[-1].startswith("[out] 999 ")
    assert sum(len(line.encode()) for line in lines) <= 64 * 1024


@pytest.mark.box
@pytest.mark.lab
def test_it_names_memory_whoever_tells_of_the_end_first():
    """The guest's frame about a rank that the kernel took once raced with the monitor's look at the cgroup."""
    doubling = "x = b'1'\nwhile True:\n    x += x\n"
    assert {grade_text("writer", doubling).verdict for _ in range(8)} == {"out_of_memory"}
    assert grade_text("writer", "raise SystemExit(1)\n").verdict == "crashed"
