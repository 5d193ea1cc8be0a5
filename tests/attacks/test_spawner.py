"""Spare processes: used once, replaced when killed, gone when nobody needs them."""

from __future__ import annotations

import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox import BoxSpec, Mount
from sandbox.bubblewrap import BubblewrapBackend
from sandbox.cgroups import owned_folders
from sandbox.interpreter import running_interpreter_mounts
from sandbox.owner import start_ticks
from sandbox.proctree import descendants
from sandbox.spares import DEPTH, close_spares, fill_spares

pytestmark = [pytest.mark.box, pytest.mark.usefixtures("nothing_left")]


def spawners() -> list[int]:
    """Spawner processes of ours; what they forked has the same command line and them as parents."""
    return [pid for pid in descendants(os.getpid()) if is_spawner(pid)]


def is_spawner(pid: int) -> bool:
    try:
        parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        return parent == os.getpid() and b"spawner.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def kill_spawners() -> None:
    victims = spawners()
    assert victims
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while any(start_ticks(pid) for pid in victims) and time.monotonic() < deadline:
        time.sleep(0.01)


def run(backend, argv, **spec) -> tuple[int | None, bytes]:
    process = backend.prepare(BoxSpec(**spec)).start(argv)
    try:
        said = process.stdout.read()
        return process.wait().exit_code, said
    finally:
        process.close()


def test_a_killed_spawner_is_replaced(any_backend):
    assert run(any_backend, ["/bin/echo", "before"]) == (0, b"before\n")
    fill_spares()
    kill_spawners()
    assert run(any_backend, ["/bin/echo", "after"]) == (0, b"after\n")


def test_a_spawner_that_is_killed_takes_its_boxes_along(any_backend):
    process = any_backend.prepare(BoxSpec(wall_s=60)).start(["/bin/sh", "-c", "echo up; sleep 60 & sleep 60"])
    assert process.stdout.read(3) == b"up\n"
    kill_spawners()
    outcome = process.wait()
    assert outcome.status == "box_error"
    assert "from outside" in outcome.detail
    process.close()


def test_a_closed_backend_leaves_the_boxes_of_another():
    mine, other = BubblewrapBackend.open(), BubblewrapBackend.open()
    process = mine.prepare(BoxSpec(wall_s=60)).start(["/bin/cat"])
    other.close()
    process.stdin.write(b"alive\n")
    assert process.stdout.read(6) == b"alive\n"
    process.stdin.close()
    assert process.wait().exit_code == 0
    process.close()
    mine.close()


def test_closed_pools_hold_nothing_and_start_anew(backend):
    assert run(backend, ["/bin/true"])[0] == 0
    close_spares()
    assert spawners() == []
    assert not [folder for folder in owned_folders(Path("/sys/fs/cgroup")) if f"-{os.getpid()}-" in folder.name]
    assert run(backend, ["/bin/echo", "again"]) == (0, b"again\n")


def test_many_at_once_each_get_a_process_of_their_own(any_backend):
    """More than there are spares; each box has its own group, and none sees another's process."""
    with ThreadPoolExecutor(3 * DEPTH) as pool:
        jobs = [pool.submit(run, any_backend, ["/bin/sh", "-c", f"echo {n} $$"]) for n in range(3 * DEPTH)]
        said = [job.result() for job in jobs]
    assert [code for code, _ in said] == [0] * len(said)
    assert [int(text.split()[0]) for _, text in said] == list(range(3 * DEPTH))


def test_more_files_than_one_message_can_carry(any_backend):
    files = {f"f{n}": b"%d" % n for n in range(256)}
    code = "import os; print(sum(int(open(name).read()) for name in os.listdir('/work') if name[0] == 'f'))"
    mounts = running_interpreter_mounts()
    assert run(any_backend, [sys.executable, "-c", code], files=files, mounts=mounts) == (0, b"32640\n")


def test_few_descriptors_are_enough_to_start(any_backend):
    """The program's own bound holds while the box is made, too."""
    files = {f"f{n}": b"x" for n in range(100)}
    code = "import os; print(len(os.listdir('/proc/self/fd')) - 1)"
    spec = {"files": files, "mounts": running_interpreter_mounts(), "open_files": 16}
    assert run(any_backend, [sys.executable, "-c", code], **spec) == (0, b"4\n")


def test_a_replaced_folder_is_seen_as_it_is_now(any_backend, tmp_path):
    """Sources are staged once and kept: another folder of the same name is another folder."""
    folder = tmp_path / "data"
    show = {"mounts": (Mount(source=folder, target="/opt/data"),)}
    folder.mkdir()
    (folder / "a").write_text("first")
    assert run(any_backend, ["/bin/cat", "/opt/data/a"], **show) == (0, b"first")
    folder.rename(tmp_path / "old")
    folder.mkdir()
    (folder / "a").write_text("second")
    assert run(any_backend, ["/bin/cat", "/opt/data/a"], **show) == (0, b"second")
    (folder / "a").write_text("third")
    assert run(any_backend, ["/bin/cat", "/opt/data/a"], **show) == (0, b"third")


def test_what_is_staged_for_one_box_is_not_in_another(any_backend, tmp_path):
    (tmp_path / "secret").write_text("x")
    tmp_path.chmod(0o755)
    mounts = (Mount(source=tmp_path, target="/opt/data"),)
    assert run(any_backend, ["/bin/ls", "/opt/data"], mounts=mounts) == (0, b"secret\n")
    assert run(any_backend, ["/bin/sh", "-c", "ls /opt /sys 2>/dev/null; true"]) == (0, b"")


def test_a_forked_process_has_boxes_of_its_own(backend):
    """Nothing of the parent's is used by the child, nor ended with it."""
    fill_spares()
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(write, run(backend, ["/bin/echo", "child"])[1])
            backend.close()
        finally:
            os._exit(0)
    os.close(write)
    assert os.read(read, 100) == b"child\n"
    os.waitpid(pid, 0)
    os.close(read)
    assert run(backend, ["/bin/echo", "parent"]) == (0, b"parent\n")
