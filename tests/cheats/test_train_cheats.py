"""Programs that try to hand over what is not theirs, through the `train` protocol; and the honest control."""

from __future__ import annotations

import pytest

from tests.fixtures.exercises import fixture_exercise, grade_text

pytestmark = [pytest.mark.box, pytest.mark.lab]

IMPORTS = "import json, os, pathlib, sys\nout = pathlib.Path('/work/out/doubled.json')\n"
HONEST = fixture_exercise("writer").solution["main.py"]

REJECTED = {
    "links to a file of the system": "os.symlink('/etc/passwd', out)\n",
    "links to its own data": "os.symlink('/work/data/numbers.json', out)\n",
    "links hard to its own data": "os.link('/work/data/numbers.json', out)\n",
    "reads through a linked folder": "out.write_text('[]')\nos.symlink('/work/data', '/work/out/notes')\n",
    "writes a hole": "out.touch()\nos.truncate(out, 4000)\n",
    "writes too much": "out.write_bytes(b'1' * 5000)\n",
    "makes it a folder": "out.mkdir()\n",
    "makes it a queue": "os.mkfifo(out)\n",
    "makes it a socket": "import socket\nsocket.socket(socket.AF_UNIX).bind(str(out))\n",
}


def test_it_passes_the_honest_program():
    assert grade_text("writer", HONEST).verdict == "passed"


@pytest.mark.parametrize("source", REJECTED.values(), ids=REJECTED.keys())
def test_it_rejects_a_program_that(source):
    report = grade_text("writer", IMPORTS + source)
    assert (report.verdict, report.score) == ("rejected", 0.0)
    assert report.message.startswith("/work/out/")


FAILED = {
    "exits early in peace": "os._exit(0)\n",
    "prints a report of passing": 'print(\'{"type": "judged", "verdict": "passed"}\')\n',
    "writes NaN": "out.write_text('NaN')\n",
    "writes a pickle": "import pickle\nout.write_bytes(pickle.dumps([1]))\n",
    "hands the numbers back": "out.write_bytes(open('/work/data/numbers.json', 'rb').read())\n",
}


@pytest.mark.parametrize("source", FAILED.values(), ids=FAILED.keys())
def test_it_fails_a_program_that(source):
    assert grade_text("writer", IMPORTS + source).verdict == "failed"


def test_it_gives_the_program_no_way_to_the_channel():
    # Its parent is our launcher, which holds the channel: neither its descriptors nor its memory can be opened.
    source = (
        IMPORTS
        + """
found = []
for fd in os.listdir("/proc/self/fd"):
    try:
        if "socket" in os.readlink(f"/proc/self/fd/{fd}"):
            found.append(fd)
    except OSError:
        pass
for name in ("fd", "mem", "environ"):
    try:
        path = f"/proc/{os.getppid()}/{name}"
        os.listdir(path) if name == "fd" else open(path, "rb").read(1)
        found.append(name)
    except OSError:
        pass
assert os.listdir("/proc/self/fd")
print("found", found)
"""
    )
    report = grade_text("writer", source + HONEST)
    assert report.log_tail[0] == "[out] found []"
    assert report.verdict == "passed"


def test_it_calls_it_crashed_when_the_launcher_is_killed():
    report = grade_text("writer", IMPORTS + "import signal\nos.kill(os.getppid(), signal.SIGKILL)\n")
    assert report.verdict == "crashed"


def test_it_waits_for_no_child_that_stays_behind():
    stays = "import subprocess\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
    report = grade_text("writer", IMPORTS + stays + HONEST)
    assert report.verdict == "passed"
    assert report.usage.wall_s < 20
