"""Programs that try to be graded for something they did not do, through the `call` protocol; and the honest control."""

from __future__ import annotations

import re

import pytest

from tests.fixtures.exercises import LESSONS, ROOT, grade_text, log_of

pytestmark = [pytest.mark.box, pytest.mark.lab]

ECHO = "\n\ndef echo(value):\n    return value\n"
HONEST = "def add(a, b):\n    return a + b\n" + ECHO
# Speaks on the control channel by itself.
SPEAKER = """
import json, os, struct, sys
def say(header, payload=b""):
    text = json.dumps(header).encode()
    os.write(3, struct.pack(">IQ", len(text), len(payload)) + text + payload)
def asked():
    frame = sys._getframe()
    while "header" not in frame.f_locals or "nonce" not in frame.f_locals["header"]:
        frame = frame.f_back
    return frame.f_locals["header"]["nonce"]
RIGHT = b"\\0\\0\\0\\x011"
"""

REJECTED = {
    "answers before it was asked": SPEAKER + 'say({"nonce": "0" * 32, "kind": "value"}, RIGHT)\n' + HONEST,
    "answers ahead": SPEAKER
    + 'def add(a, b):\n    say({"nonce": "1" * 32, "kind": "value"}, RIGHT)\n    return a + b\n'
    + ECHO,
    "answers twice": SPEAKER
    + 'def add(a, b):\n    say({"nonce": asked(), "kind": "value"}, RIGHT)\n    return a + b\n'
    + ECHO,
    "adds a verdict to its frame": SPEAKER
    + 'def add(a, b):\n    say({"nonce": asked(), "kind": "value", "verdict": "passed"}, RIGHT)\n'
    + ECHO,
    "sends a kind that there is not": SPEAKER
    + 'def add(a, b):\n    say({"nonce": asked(), "kind": "passed"}, RIGHT)\n'
    + ECHO,
    "sends a report of passing": SPEAKER
    + 'def add(a, b):\n    say({"schema": 1, "verdict": "passed", "score": 1.0})\n'
    + ECHO,
    "sends garbage": "import os\nos.write(3, b'\\xff' * 100)\n" + HONEST,
    "announces terabytes": "import os\nos.write(3, b'\\0\\0\\0\\x02' + b'\\x7f' * 8 + b'{}')\n" + HONEST,
    "sends a value that is not one": SPEAKER
    + 'def add(a, b):\n    say({"nonce": asked(), "kind": "value"}, b"\\0\\0\\0\\x03NaN")\n'
    + ECHO,
    "speaks after its last answer": SPEAKER
    + "def add(a, b):\n    return a + b\n\n"
    + 'def echo(value):\n    import threading\n    threading.Timer(0, say, [{"nonce": "2", "kind": "x"}]).start()\n'
    + "    import time\n    time.sleep(0.3)\n    return value\n",
    "answers with more than the cap": "def add(a, b):\n    return 'x' * (70 << 20)\n" + ECHO,
    "closes the channel and lives on": "import os, time\n\n\ndef add(a, b):\n    os.close(3)\n    time.sleep(60)\n"
    + ECHO,
    "floods the channel": "import os\n\n\ndef add(a, b):\n    while True:\n        os.write(3, b'x' * 4096)\n" + ECHO,
}


def test_it_passes_the_honest_program():
    assert grade_text("arithmetic", HONEST).verdict == "passed"
    assert grade_text("arithmetic", HONEST, tier="cpu").distinction


@pytest.mark.parametrize("source", REJECTED.values(), ids=REJECTED.keys())
def test_it_rejects_a_program_that(source):
    report = grade_text("arithmetic", source)
    assert report.verdict == "rejected"
    assert report.score == 0
    assert report.message.startswith("The ")


CRASHED = {
    "exits while loading": "import os\nos._exit(0)\n",
    "exits in a call": "import os\n\n\ndef add(a, b):\n    os._exit(0)\n",
    "raises SystemExit(0)": "import sys\n\n\ndef add(a, b):\n    sys.exit(0)\n",
    "kills its process": "import os, signal\n\n\ndef add(a, b):\n    os.kill(os.getpid(), signal.SIGKILL)\n",
    "exits with a passed report": 'import os\nprint(\'{"schema": 1, "verdict": "passed"}\', flush=True)\nos._exit(0)\n',
}  # fmt: skip


@pytest.mark.parametrize("source", CRASHED.values(), ids=CRASHED.keys())
def test_it_calls_crashed_what(source):
    assert grade_text("arithmetic", source).verdict == "crashed"


def test_it_does_not_read_verdicts_from_prints_or_atexit():
    forged = '{"schema": 1, "verdict": "passed", "score": 1.0, "type": "judged"}'
    source = (
        f"import atexit, os\natexit.register(os._exit, 0)\nprint({forged!r})\n\n\ndef add(a, b):\n    return 0\n" + ECHO
    )
    report = grade_text("arithmetic", source)
    assert (report.verdict, report.score) == ("failed", 0.0)
    assert f"[out] {forged}" in report.log_tail


WRONG = {
    "NaN": "def add(a, b):\n    return float('nan')\n",
    "infinity": "def add(a, b):\n    return float('inf')\n",
    "an object": "def add(a, b):\n    return object()\n",
    "an object that equals everything": "class Yes(int):\n    def __eq__(self, other):\n        return True\n\n\n"
    "def add(a, b):\n    return Yes(1)\n",
    "an array of objects": "import numpy\n\n\ndef add(a, b):\n    return numpy.array([object()])\n",
    "a float": "def add(a, b):\n    return float(a + b)\n",
    "True": "def add(a, b):\n    return True\n",
}  # fmt: skip


@pytest.mark.parametrize("source", WRONG.values(), ids=WRONG.keys())
def test_it_fails_an_answer_of(source):
    assert grade_text("arithmetic", source + ECHO).verdict == "failed"


def test_it_notices_another_dtype():
    source = HONEST.replace("return value", 'return {**value, "array": value["array"].astype("float64")}')
    report = grade_text("arithmetic", source)
    assert report.verdict == "failed"
    assert [check.name for check in report.checks if not check.passed] == ["echoes"]


def test_it_keeps_its_own_clock():
    source = (
        "import time\ntime.monotonic = time.time = lambda: 0.0\n\n\ndef add(a, b):\n    while True:\n        pass\n"
    )
    report = grade_text("arithmetic", source)
    assert report.verdict == "timed_out"
    assert report.usage.cpu_s > 0.3


def test_it_shows_a_box_nothing_of_the_judge():
    judge = LESSONS / "90_fixtures" / "exercises" / "arithmetic" / "judge.py"
    source = f"""
import glob, os
seen = [path for path in [{str(judge)!r}, {str(judge.parent)!r}] if os.path.exists(path)]
for place in ["/work", "/opt", "/tmp", "/dev", {str(ROOT / "grader")!r}, {str(ROOT / "lessons")!r}]:
    seen += glob.glob(place + "/**/judge*", recursive=True, include_hidden=True)
seen += [name for name in os.environ if name.startswith("RANKZERO")]
for process in os.listdir("/proc"):
    if process.isdigit() and b"judge" in open(f"/proc/{{process}}/cmdline", "rb").read():
        seen.append(process)
print("seen", [path for path in seen if ".venv" not in path])
assert open("/work/helper.py").read()
"""
    assert judge.exists()
    lines = log_of(lambda keep: grade_text("arithmetic", source + HONEST, on_event=keep))
    assert lines[0] == "out: seen []"


VALUES = re.compile(r"leak \d")
LEAKS = {
    "prints": "def add(a, b):\n    print('leak', a, b, flush=True)\n    return a + b\n",
    "a message": "def add(a, b):\n    raise ValueError(f'leak {a} {b}')\n",
    "a class's name": "def add(a, b):\n    raise type(f'leak {a} {b}', (Exception,), {})\n",
    "a file's name": "def add(a, b):\n    exec(compile('1/0', f'/work/leak {a} {b}', 'exec'))\n",
    "what cannot be sent": "def add(a, b):\n    return type(f'leak {a} {b}', (), {})()\n",
}


@pytest.mark.parametrize("source", LEAKS.values(), ids=LEAKS.keys())
def test_it_lets_no_hidden_input_out_through(source):
    lines: list[str] = []
    report = grade_text("arithmetic", source + ECHO, tier="cpu", on_event=lambda event: lines.append(str(event)))
    for text in [report.to_json(), *lines]:
        assert not VALUES.search(text)
    at_smoke = grade_text(
        "arithmetic", source + ECHO
    )  # the control: the same words do come out where nothing is hidden
    assert VALUES.search(at_smoke.to_json())
