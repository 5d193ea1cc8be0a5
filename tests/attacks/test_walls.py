"""Walls that more than one program is needed to show: what is mounted, handed in, and seen from outside."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from sandbox import MIB, BoxSpec, Mount

pytestmark = [pytest.mark.box, pytest.mark.usefixtures("nothing_left")]


def test_a_mount_is_shown_and_read_only(world, tmp_path):
    tmp_path.chmod(0o755)  # the box is another user than root, who runs these tests in CI
    (tmp_path / "data.txt").write_text("42")
    mounts = (*world.mounts, Mount(source=tmp_path, target="/assets/x"))
    said = world.code("print(open('/assets/x/data.txt').read())\nopen('/assets/x/data.txt', 'w')", mounts=mounts)
    assert said.out == "42\n"
    assert "Read-only file system" in said.err or "Permission denied" in said.err
    assert (tmp_path / "data.txt").read_text() == "42"


def test_a_mount_shows_nothing_of_the_host_by_its_links(world, tmp_path):
    tmp_path.chmod(0o755)
    shown, hidden = tmp_path / "shown", tmp_path / "hidden"
    shown.mkdir()
    hidden.write_text("host's")
    (shown / "link").symlink_to(hidden)
    (shown / "up").symlink_to("../hidden")
    mounts = (*world.mounts, Mount(source=shown, target="/assets/x"))
    code = "import os; print([os.path.exists(f'/assets/x/{name}') for name in os.listdir('/assets/x')])"
    assert world.code(code, mounts=mounts).out == "[False, False]\n"
    assert (shown / "link").read_text() == "host's"


@pytest.mark.skipif(os.geteuid() != 0, reason="says what root's boxes become")
def test_started_by_root_it_is_not_root_outside(world):
    process = world.backend.prepare(BoxSpec()).start(["/bin/sleep", "20.0625"])
    try:
        deadline = time.monotonic() + 10
        while not (uids := uids_of_sleepers()) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert uids == {"10001"}
    finally:
        process.close()


def uids_of_sleepers() -> set[str]:
    """The real user ids of the processes that sleep for just that long and are filtered: the box's."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text, command = status.read_text(), (status.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if command == b"/bin/sleep\x0020.0625\0" and "\nSeccomp:\t2" in text:
            found |= {line.split()[1] for line in text.splitlines() if line.startswith("Uid:")}
    return found


def test_the_environment_is_what_the_spec_says(world, monkeypatch):
    monkeypatch.setenv("RANKZERO_TEST_SECRET", "s3cret-value")
    code = "import os; print(sorted({*os.environ} - {'PWD', 'LC_CTYPE'}), os.environ['ONLY'])"
    assert world.code(code, env={"ONLY": "this"}).out == "['HOME', 'LANG', 'ONLY', 'PATH', 'TMPDIR'] this\n"


def test_many_input_files_arrive_whole_and_leave_no_descriptor(world):
    files = {f"d{n}/f{n}.txt": b"x" * n for n in range(200)}
    code = "import glob, os; print(len(glob.glob('d*/*')), os.listdir('/proc/self/fd'), os.stat('d7/f7.txt').st_size)"
    assert world.code(code, files=files).out == "200 ['0', '1', '2', '3', '4'] 7\n"


def test_only_its_own_processes_are_there(world):
    code = "import os; print(sum(name.isdigit() for name in os.listdir('/proc')) <= 3, os.getpid() < 10)"
    assert world.code(code).out == "True True\n"


def test_names_in_the_box_are_the_boxs(world):
    said = world.code("import os; print(os.uname().nodename, os.getuid())", hostname="box-7")
    assert said.out == "box-7 10001\n"


def test_the_lessons_tools_run(world):
    """What a filter easily breaks: process pools, shared memory, threads, subprocesses, file locks."""
    code = """
import fcntl, multiprocessing, multiprocessing.shared_memory, subprocess, tempfile, threading
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(pool.map(abs, [-1, -2]))
block = multiprocessing.shared_memory.SharedMemory(create=True, size=100)
block.close(); block.unlink()
thread = threading.Thread(target=print, args=("thread",)); thread.start(); thread.join()
print(subprocess.run(["uname", "-n"], capture_output=True, text=True).stdout.strip())
with tempfile.TemporaryFile() as file:
    fcntl.flock(file, fcntl.LOCK_EX)
"""
    said = world.code(code, hostname="learner-7", memory_bytes=256 * MIB)
    assert said.out == "[1, 2]\nthread\nlearner-7\n"
    assert said.err == ""


def test_a_python_of_its_own_starts(world):
    code = "import subprocess, sys; print(subprocess.run([sys.executable, '-c', 'print(6 * 7)'], capture_output=True))"
    assert "stdout=b'42\\n', stderr=b''" in world.code(code).out
