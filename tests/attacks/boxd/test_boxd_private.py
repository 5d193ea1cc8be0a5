"""A command's own boxd: it comes when none runs, and goes with the command however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import SandboxUnavailable, open_backend
from sandbox.boxd.client import BoxdBackend
from sandbox.boxd.private import boxd_at_hand, private_boxd
from tests.boxd_process import (
    ROOT,
    processes_with,
    run_true,
    soon,
    spec,
)

pytestmark = pytest.mark.box


@pytest.fixture(autouse=True)
def no_boxd(monkeypatch) -> None:
    monkeypatch.delenv("RANKZERO_BOXD", raising=False)


@pytest.mark.usefixtures("nothing_left")
def test_it_makes_boxes_and_ends_with_what_still_runs(mark):
    with private_boxd() as path:
        run_true(BoxdBackend(path))
        process = BoxdBackend(path).prepare(spec(env={"M": mark})).start(["/bin/sleep", "60"])
        assert soon(lambda: bool(processes_with(mark)))
    assert not processes_with(mark)
    assert process.wait().status == "killed"
    process.close()
    assert not Path(path).parent.exists()


def test_a_command_uses_the_one_that_there_is(boxd, monkeypatch):
    with boxd_at_hand():
        assert os.environ["RANKZERO_BOXD"] != boxd.path  # none is named: one of its own
        assert isinstance(open_backend(), BoxdBackend)
    assert "RANKZERO_BOXD" not in os.environ
    monkeypatch.setenv("RANKZERO_BOXD", boxd.path)
    with boxd_at_hand():
        assert os.environ["RANKZERO_BOXD"] == boxd.path
    assert boxd.process.poll() is None


OWNER = """
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever starts these tests may ignore it
from sandbox import BoxSpec
from sandbox.boxd.client import BoxdBackend
from sandbox.boxd.private import private_boxd
with private_boxd() as path:
    box = BoxdBackend(path).prepare(BoxSpec(env={"M": sys.argv[1]}, wall_s=100))
    process = box.start(["/bin/sh", "-c", "echo up; sleep 100 & sleep 100"])
    process.stdout.read(3)
    print(path, flush=True)
    time.sleep(100)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_its_owner(mark, number):
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, mark], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert owner.stdout is not None
    path = owner.stdout.readline().decode().strip()
    assert processes_with(mark)
    owner.send_signal(number)
    owner.communicate()
    assert soon(lambda: not processes_with(mark), 3)
    assert soon(lambda: not Path(path).exists(), 3)
    with pytest.raises(SandboxUnavailable, match="does not answer"):
        BoxdBackend(path)


@pytest.mark.usefixtures("nothing_left")
def test_where_it_cannot_start_its_own_words_say_why(monkeypatch):
    with pytest.raises(SandboxUnavailable, match="no sandbox backend 'podman'"), private_boxd("podman"):
        pass
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    with pytest.raises(SandboxUnavailable, match=r"(?i)docker") as refused, private_boxd("docker"):
        pass
    assert not str(refused.value).startswith("boxd:")
    assert "Traceback" not in str(refused.value)
