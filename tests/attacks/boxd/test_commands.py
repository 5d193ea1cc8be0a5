"""`manage.py box` and `manage.py doctor` as an operator uses them, with boxd and without."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from django.core.management import ManagementUtility

from tests.boxd_process import CORES, ROOT

pytestmark = pytest.mark.box
Command = Callable[..., subprocess.CompletedProcess[str]]


def manage(*words: object, boxd: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **environment, "RANKZERO_BOXD": boxd}
    command = [sys.executable, "manage.py", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def command(capfd, monkeypatch) -> Command:
    """The same within this process: Django's start is most of what a short command takes."""

    def call(*words: object) -> subprocess.CompletedProcess[str]:
        monkeypatch.setenv("RANKZERO_BOXD", "")
        with pytest.raises(SystemExit) as end:
            ManagementUtility(["manage.py", *map(str, words)]).execute()
        said = capfd.readouterr()
        return subprocess.CompletedProcess(words, int(end.value.code or 0), said.out, said.err)

    return call


def outcome_of(done: subprocess.CompletedProcess[str]) -> dict:
    outcome: dict = json.loads(done.stdout.splitlines()[-1])
    return outcome


@pytest.mark.parametrize("through", ["this process", "boxd"])
def test_box_prints_the_outcome_on_the_last_line(lasting_boxd, through):
    boxd = lasting_boxd.path if through == "boxd" else ""
    before = lasting_boxd.log.read_bytes().count(b"exited with code 0")
    done = manage("box", "--memory", "256M", "--wall", 5, "--json", "--", "python3", "-c", 'print("hi")', boxd=boxd)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "hi"
    outcome = outcome_of(done)
    assert (outcome["status"], outcome["exit_code"], outcome["hits"]) == ("exited", 0, [])
    after = lasting_boxd.log.read_bytes().count(b"exited with code 0")
    assert after - before == (through == "boxd")
    assert lasting_boxd.status()["boxes"] == []


FLOOD = "import sys; sys.stdout.write('x' * 100000)"
FILL = "open('/work/a', 'wb').write(bytes(2 * 2**20))"
FILES = "import pathlib\nfor n in range(999): pathlib.Path(f'/tmp/{n}').touch()\nimport time; time.sleep(9)"
DUPLICATE = "import os, time\ntry:\n  while True: os.dup(0)\nexcept OSError: time.sleep(0.3)"
FORK = "import os, time\nfor _ in range(20): os.fork() or time.sleep(9)"


@pytest.mark.parametrize(
    ("flags", "code", "hit"),
    [
        (["--output", "4K"], FLOOD, "output"),
        (["--disk", "1M"], FILL, "disk"),
        (["--inodes", "100"], FILES, "inodes"),
        (["--open-files", "65"], DUPLICATE, "open_files"),
        (["--pids", "5"], FORK, "pids"),
        (["--memory", "32M"], "bytearray(200 * 2**20)", "memory"),
        (["--cpu", "0.3"], "while True: pass", "cpu"),
        (["--wall", "0.3"], "import time; time.sleep(9)", "wall"),
    ],
)
def test_each_limit_of_box_is_named_when_it_is_met(command, flags, code, hit):
    done = command("box", "--json", *flags, "--", "python3", "-c", code)
    assert outcome_of(done)["hits"] == [hit], done.stderr


def test_an_honest_program_keeps_within_tight_limits(command):
    sizes = ["--output", "4K", "--disk", "1M", "--shm", "1M", "--memory", "32M"]
    counts = ["--inodes", "100", "--pids", "5", "--open-files", "65", "--cpu", "5", "--wall", "30"]
    done = command("box", "--json", *sizes, *counts, "--", "python3", "-c", "print(1)")
    assert outcome_of(done)["hits"] == []
    assert done.returncode == 0


def test_box_takes_cores_by_number(command):
    done = command("box", "--cpus", CORES[-1], "--", "python3", "-c", "import os; print(os.sched_getaffinity(0))")
    assert done.stdout.strip() == f"{{{CORES[-1]}}}"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--cpus", "a", "--", "true"], "no list of numbers"),
        (["--cpus", "4000", "--", "true"], "not all ours"),
        (["--memory", "lots", "--", "true"], "not a size"),
        (["--warm", "everything", "--", "true"], "invalid choice"),
        (["--backend", "podman", "--", "true"], "no sandbox backend 'podman'"),
        (["--pids", "0", "--", "true"], "pids must be at least 1"),
        ([], "name a program"),
    ],
)
def test_box_exits_2_for_what_cannot_be(command, words, why):
    done = command("box", *words)
    assert done.returncode == 2
    assert why in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_lists_each_backend_and_what_boxd_has_in_hand(lasting_boxd):
    backend = lasting_boxd.backend()
    nowhere = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
    with backend.lease(cores=len(CORES)) as lease:
        done = manage("doctor", "--json", boxd=lasting_boxd.path)
        lines = manage("doctor", boxd=lasting_boxd.path).stdout
        alone = json.loads(manage("doctor", "--json", **nowhere).stdout)["sandbox"]
    assert done.returncode == 0, done.stderr
    box = json.loads(done.stdout)["sandbox"]
    names = {limit["name"] for limit in box["limits"]}
    assert names >= {"memory", "pids", "cpu_seconds", "cpus", "wall", "disk", "inodes", "open_files", "output", "gpus"}
    assert set(box["backends"]) == {"bubblewrap", "docker"}
    assert box["boxd"]["leases"][0]["cores"] == list(lease.cores)
    assert f"has cores {list(lease.cores)}" in lines
    assert alone["through"] == "this process"
    assert alone["boxd"] is None
    assert alone["ok"]  # the default backend makes boxes, whatever becomes of the other
    assert "docker" in alone["backends"]["docker"]["error"].lower()


def test_doctor_exits_1_where_the_default_backend_makes_no_boxes():
    done = manage("doctor", "--json", PATH="/nowhere", boxd="/nowhere/boxd.sock")
    assert done.returncode == 1
    assert "does not answer" in json.loads(done.stdout)["sandbox"]["error"]
