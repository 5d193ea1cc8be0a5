"""The same box made in other circumstances: by a user without privileges, and with the wheel's bubblewrap."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import BoxSpec
from sandbox.bubblewrap import BubblewrapBackend
from sandbox.machine import find_bwrap

pytestmark = pytest.mark.box
ROOT = Path(__file__).resolve().parents[2]
SYSTEM_PYTHON = Path("/usr/bin/python3.11")

AS_USER = """
import json, os
from sandbox import BoxSpec, open_backend
def run(*argv, **spec):
    process = open_backend().prepare(BoxSpec(**spec)).start(argv)
    said = process.stdout.read().decode()
    outcome = process.wait()
    process.close()
    return outcome.status, said
python = "/usr/bin/python3.11"
print(json.dumps({
    "uid": os.getuid(),
    "box": run("/usr/bin/id", "-u"),
    "within": run(python, "-c", "x = b'1' * (40 << 20); print(len(x) >> 20)", memory_bytes=128 << 20),
    "memory": run(python, "-c", "x = b'1' * (300 << 20); import time; time.sleep(5)", memory_bytes=128 << 20)[0],
    "wall": run("/bin/sleep", "20", wall_s=0.5)[0],
}))
"""


@pytest.fixture
def public_copy() -> Iterator[Path]:
    """The package where any user can read it; pytest's own folders are for their owner only."""
    folder = Path(tempfile.mkdtemp(prefix="rz-test-"))
    shutil.copytree(ROOT / "sandbox", folder / "sandbox", ignore=shutil.ignore_patterns("__pycache__"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0 or not SYSTEM_PYTHON.exists(), reason="needs root, to become someone else")
def test_a_user_without_privileges_gets_the_same_box(public_copy):
    done = subprocess.run(
        [SYSTEM_PYTHON, "-B", "-c", AS_USER],
        cwd=public_copy, env={"PATH": "/usr/bin:/bin"}, user=65534, group=65534, extra_groups=[],
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stderr == b""
    assert json.loads(done.stdout) == {
        "uid": 65534,
        "box": ["exited", "10001\n"],
        "within": ["exited", "40\n"],
        "memory": "memory_limit",
        "wall": "wall_limit",
    }


@pytest.mark.parametrize("ignored", ["INT QUIT", "TERM HUP USR1 PIPE", ""])
def test_what_the_starter_ignores_the_program_does_not(ignored):
    """A shell's background jobs ignore SIGINT; a box started from one must not."""
    code = (
        "from sandbox import BoxSpec, open_backend\n"
        "process = open_backend().prepare(BoxSpec()).start(['/bin/grep', 'SigIgn', '/proc/self/status'])\n"
        "print(process.stdout.read().decode())\n"
    )
    script = f'trap \'\' {ignored}; exec "$0" -c "$1"' if ignored else 'exec "$0" -c "$1"'
    env = {name: value for name, value in os.environ.items() if name != "RANKZERO_BOXD"}
    said = subprocess.run(
        ["/bin/sh", "-c", script, sys.executable, code], capture_output=True, text=True, cwd=ROOT, env=env, timeout=60
    )
    assert said.stdout.split() == ["SigIgn:", "0" * 16], said.stderr


def test_what_make_ignores_the_program_does_not(tmp_path):
    """The C library's posix_spawn, which GNU make starts everything by, leaves signal 32 ignored."""
    code = (
        "import sys\n"
        "from sandbox import BoxSpec, open_backend\n"
        "shown = [line for line in open('/proc/self/status') if line.startswith('SigIgn')]\n"
        "process = open_backend().prepare(BoxSpec()).start(['/bin/grep', 'SigIgn', '/proc/self/status'])\n"
        "print(*shown, process.stdout.read().decode(), file=open(sys.argv[1], 'w'))\n"
    )
    env = {name: value for name, value in os.environ.items() if name != "RANKZERO_BOXD"} | {"PYTHONPATH": str(ROOT)}
    said = tmp_path / "said"
    pid = os.posix_spawn(sys.executable, [sys.executable, "-c", code, str(said)], env)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    _, ignored_outside, _, ignored_inside = said.read_text().split()
    assert int(ignored_outside, 16) & 1 << 31, "the control: it is ignored outside"
    assert ignored_inside == "0" * 16


def test_the_wheels_bubblewrap_serves_as_well(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    program, libraries = find_bwrap()
    assert program.parent.name == "_bin"
    assert libraries is not None
    process = BubblewrapBackend.open().prepare(BoxSpec()).start(["/usr/bin/id", "-u"])
    assert process.stdout.read() == b"10001\n"
    assert process.wait().exit_code == 0
    process.close()


def test_the_systems_bubblewrap_comes_first():
    program, _ = find_bwrap()
    assert str(program) == shutil.which("bwrap") or shutil.which("bwrap") is None
