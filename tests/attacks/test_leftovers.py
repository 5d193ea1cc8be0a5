"""What a box, its starter or boxd leave behind when they end, however they end: nothing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox import BoxSpec, BoxStartError, SandboxUnavailable, open_backend
from sandbox.bubblewrap import BubblewrapBackend
from sandbox.cgroups import owned_folders
from sandbox.interpreter import running_interpreter_mounts
from sandbox.owner import owner_is_dead

pytestmark = pytest.mark.box
ROOT = Path(__file__).resolve().parents[2]

# A child in a session of its own, twice forked, deaf to signals: it ends only with the box.
DAEMON = """
import os, signal, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in (1, 2, 3, 13, 15): signal.signal(number, signal.SIG_IGN)
        os.close(0); os.close(1); os.close(2)
        while True: time.sleep(60)
    os._exit(0)
os.wait()
print("daemon is up", flush=True)
"""


def processes_with(mark: str) -> list[int]:
    """Every process with `mark` in its environment: a box's program carries it, whoever its parent is."""
    found = []
    for file in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in file.read_bytes():
                found.append(int(file.parent.name))
        except OSError:
            continue
    return found


def gone(mark: str, within_s: float = 3.0) -> bool:
    return soon(lambda: not processes_with(mark), within_s)


def soon(condition: Callable[[], bool], within_s: float = 5.0) -> bool:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def mark() -> str:
    return f"RZMARK={os.getpid()}-{time.monotonic_ns()}"


def spec(mark: str, **values) -> BoxSpec:
    name, value = mark.split("=")
    return BoxSpec(mounts=running_interpreter_mounts(), env={name: value}, **values)


@pytest.mark.usefixtures("nothing_left")
def test_a_daemon_ends_with_its_box(any_backend, mark):
    process = any_backend.prepare(spec(mark)).start([sys.executable, "-c", DAEMON])
    assert process.stdout.read(13) == b"daemon is up\n"
    assert process.wait().exit_code == 0
    assert gone(mark)
    process.close()


@pytest.mark.usefixtures("nothing_left")
def test_kill_ends_all_within_two_seconds(any_backend, mark):
    forks = "import os\nfor _ in range(4): os.fork()\nprint('x', flush=True)\nwhile True: pass"
    box = any_backend.prepare(spec(mark, wall_s=60))
    process = box.start([sys.executable, "-c", forks])
    assert len(process.stdout.read(1)) == 1
    assert len(processes_with(mark)) > 1
    started = time.monotonic()
    box.kill()
    assert time.monotonic() - started < 2
    assert not processes_with(mark)
    assert process.wait().status == "killed"
    box.kill()  # again is fine
    process.close()


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("delay_s", [0, 0.005, 0.01, 0.02, 0.03, 0.05])
def test_kill_in_the_middle_of_the_start_leaves_nothing(any_backend, mark, delay_s):
    box = any_backend.prepare(spec(mark, wall_s=60))
    process = box.start(["/bin/sleep", "60"])
    time.sleep(delay_s)
    box.kill()
    assert process.wait().status == "killed"
    assert not processes_with(mark)
    process.close()


@pytest.mark.usefixtures("nothing_left")
def test_twenty_boxes_in_a_row_leave_nothing(any_backend, mark):
    for number in range(20):
        process = any_backend.prepare(spec(mark, files={"a": b"1"})).start(["/bin/sh", "-c", f"exit {number}"])
        assert process.wait().exit_code == number
        process.close()
    assert not processes_with(mark)


@pytest.mark.usefixtures("nothing_left")
def test_boxes_side_by_side_do_not_meet(backend, mark):
    started = [backend.prepare(spec(mark, files={"n": b"%d" % n})).start(["/bin/cat", "n"]) for n in range(8)]
    assert [process.stdout.read() for process in started] == [b"%d" % n for n in range(8)]
    for process in started:
        assert process.wait().exit_code == 0
        process.close()


@pytest.mark.usefixtures("nothing_left")
def test_a_box_outlives_the_thread_that_started_it(backend, mark):
    """The kernel ends a box with the thread that forked it: that must not be the caller's."""
    started = []
    thread = threading.Thread(target=lambda: started.append(backend.prepare(spec(mark)).start(["/bin/sleep", "0.5"])))
    thread.start()
    thread.join()
    assert started[0].wait().exit_code == 0
    started[0].close()


@pytest.mark.usefixtures("nothing_left")
def test_a_box_that_cannot_be_made_leaves_nothing(backend, tmp_path):
    with pytest.raises(BoxStartError, match="not all ours"):
        backend.prepare(BoxSpec(cpus=(4000,)))
    with pytest.raises(BoxStartError, match="/dev/nvidia77"):
        backend.prepare(BoxSpec(gpus=(77,))).start(["/bin/true"])
    with pytest.raises(BoxStartError, match="needs a program"):
        backend.prepare(BoxSpec()).start([])
    process = backend.prepare(BoxSpec(files={"/proc/x": b""})).start(["/bin/true"])
    assert process.wait().status == "box_error"
    process.close()


def test_a_box_is_used_once(backend):
    box = backend.prepare(BoxSpec())
    process = box.start(["/bin/true"])
    process.wait()
    with pytest.raises(RuntimeError, match="used once"):
        box.start(["/bin/true"])
    process.close()


def test_a_program_that_is_not_there_exits_127(backend):
    process = backend.prepare(BoxSpec()).start(["/no/such/program"])
    assert b"No such file" in process.stderr.read()
    assert process.wait().exit_code == 127
    process.close()


# --- boxd -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def socket_path(tmp_path) -> Path:
    path = tmp_path / "boxd.sock"
    if len(str(path)) > 100:
        path = Path(f"/tmp/rz-test-{os.getpid()}-{time.monotonic_ns()}.sock")
    return path


@pytest.fixture
def boxd(socket_path) -> Iterator[subprocess.Popen[bytes]]:
    daemon = start_boxd(socket_path)
    yield daemon
    daemon.kill()
    daemon.communicate()
    BubblewrapBackend.open().keeper.sweep()
    socket_path.unlink(missing_ok=True)


def start_boxd(path: Path) -> subprocess.Popen[bytes]:
    daemon = subprocess.Popen(
        [sys.executable, "-m", "sandbox.boxd", "--socket", path], cwd=ROOT, stderr=subprocess.PIPE
    )
    assert soon(path.is_socket, 20)
    return daemon


@pytest.fixture
def remote(boxd, socket_path, monkeypatch):
    monkeypatch.setenv("RANKZERO_BOXD", str(socket_path))
    return open_backend()


def groups_of(pid: int) -> list[Path]:
    return [folder for folder in owned_folders(Path("/sys/fs/cgroup")) if f"-{pid}-" in folder.name]


def test_boxd_runs_boxes_as_this_process_would(remote, boxd, mark):
    box = remote.prepare(spec(mark, files={"in.txt": b"hello"}, memory_bytes=64 * 2**20))
    process = box.start(["/bin/sh", "-c", "cat in.txt; read x; echo got $x >&2; exit 3"])
    assert process.stdout.read(5) == b"hello"
    process.stdin.write(b"word\n")
    assert process.stderr.read() == b"got word\n"
    outcome = process.wait()
    assert (outcome.status, outcome.exit_code) == ("exited", 3)
    assert box.usage() == outcome.usage
    process.close()
    assert soon(lambda: not list_boxes(boxd.pid))


def test_boxd_holds_the_limits(remote, mark):
    process = remote.prepare(spec(mark, wall_s=0.7)).start(["/bin/sleep", "60"])
    assert process.wait().status == "wall_limit"
    process.close()
    assert {check.name for check in remote.check()} >= {"memory", "pids", "wall", "disk", "seccomp", "network"}


def test_boxd_carries_the_control_channel(remote, mark):
    code = "import os; os.write(3, os.read(3, 100).upper())"
    process = remote.prepare(spec(mark)).start([sys.executable, "-c", code])
    process.control.sendall(b"ping")
    process.control.settimeout(10)
    assert process.control.recv(100) == b"PING"
    process.wait()
    process.close()


def test_boxd_tells_why_it_refuses(remote):
    with pytest.raises(BoxStartError, match="cores"):
        remote.prepare(BoxSpec(cpus=(4000,))).start(["/bin/true"])


def test_a_client_killed_hard_takes_its_boxes_along(remote, boxd, socket_path, mark):
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        env={"RANKZERO_BOXD": str(socket_path), "M": mark},
    )
    assert client.stdout is not None
    assert client.stdout.readline() == b"up\n"
    assert processes_with(mark)
    client.kill()
    client.communicate()
    # Without the client's own environment, which carries the mark as well.
    assert gone(mark)
    assert soon(lambda: not list_boxes(boxd.pid))
    process = remote.prepare(BoxSpec()).start(["/bin/true"])  # the control: boxd itself goes on
    assert process.wait().exit_code == 0
    process.close()


CLIENT = """
import os, sys, time
from sandbox import BoxSpec, open_backend
name, value = os.environ["M"].split("=")
box = open_backend().prepare(BoxSpec(env={name: value}, wall_s=100))
process = box.start(["/bin/sh", "-c", "echo up; sleep 100 & sleep 100"])
process.stdout.read(3)
print("up", flush=True)
time.sleep(100)
"""


def list_boxes(pid: int) -> list[Path]:
    """Groups of that owner with a box in them; spare processes wait in groups, too."""
    groups = [Path(parent, name) for group in groups_of(pid) for parent, names, _ in os.walk(group) for name in names]
    return [group for group in groups if any(map(in_a_box, (group / "cgroup.procs").read_text().split()))]


def in_a_box(pid: str) -> bool:
    try:
        return b"spawner.py" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return False


def test_boxd_killed_hard_takes_its_boxes_along_and_the_next_sweeps(remote, boxd, socket_path, mark):
    process = remote.prepare(spec(mark, wall_s=100)).start(["/bin/sh", "-c", "echo up; sleep 100 & sleep 100"])
    assert process.stdout.read(3) == b"up\n"
    boxd.kill()
    boxd.wait()
    assert gone(mark)
    outcome = process.wait()
    assert outcome.status == "box_error"
    assert "boxd ended" in outcome.detail
    process.close()
    successor = start_boxd_again(socket_path)
    try:
        assert soon(lambda: not groups_of(boxd.pid))
        assert open_backend().check()
    finally:
        successor.terminate()
        successor.communicate()


def start_boxd_again(path: Path) -> subprocess.Popen[bytes]:
    daemon = subprocess.Popen(
        [sys.executable, "-m", "sandbox.boxd", "--socket", path], cwd=ROOT, stderr=subprocess.PIPE
    )

    def answers() -> bool:
        try:
            open_backend()
        except SandboxUnavailable:
            return False
        return True

    assert soon(answers, 20)
    return daemon


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_boxd_stops_cleanly(remote, boxd, socket_path, mark, number):
    process = remote.prepare(spec(mark, wall_s=100)).start(["/bin/sleep", "100"])
    boxd.send_signal(number)
    _, log = boxd.communicate(timeout=20)
    assert boxd.returncode == 0
    assert process.wait().status == "killed"
    process.close()
    assert not processes_with(mark)
    assert not groups_of(boxd.pid)
    assert not socket_path.exists()
    assert b"killed" in log
    assert b"no box left" in log


def test_boxd_listens_for_its_user_only(boxd, socket_path):
    assert socket_path.stat().st_mode & 0o777 == 0o600


def test_boxd_survives_nonsense(remote, boxd, socket_path):
    for nonsense in (
        b"",
        b"F",
        b"Fgarbage" * 100,
        b"-" + bytes(12),
        b"X" + b"\xff" * 12,
        b"-\0\0\0\x02" + bytes(8) + b"[]",
    ):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(socket_path))
            sock.sendall(nonsense)
    assert remote.check()
    assert boxd.poll() is None


def test_a_second_boxd_does_not_take_the_socket(boxd, socket_path):
    command = [sys.executable, "-m", "sandbox.boxd", "--socket", socket_path]
    second = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=60, check=False)
    assert second.returncode == 1
    assert b"another boxd answers" in second.stderr
    assert b"Traceback" not in second.stderr
    assert boxd.poll() is None


def test_without_boxd_it_says_what_to_do(monkeypatch, socket_path):
    monkeypatch.setenv("RANKZERO_BOXD", str(socket_path))
    with pytest.raises(SandboxUnavailable, match="unset RANKZERO_BOXD"):
        open_backend()


@pytest.mark.parametrize("ending", ["raise SystemExit(0)", "os.kill(os.getpid(), 9)"])
def test_a_starter_that_ends_takes_its_boxes_along(mark, ending):
    """The same without boxd: the box's parent is the process that started it."""
    code = CLIENT.replace("time.sleep(100)\n", f"{ending}\n")
    client = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={"M": mark}, capture_output=True, check=False)
    assert client.stdout == b"up\n"
    assert gone(mark)
    BubblewrapBackend.open()  # sweeps the cgroups of the one that was killed
    assert not [folder for folder in owned_folders(Path("/sys/fs/cgroup")) if owner_is_dead(folder.name)]


@pytest.mark.parametrize("accounting", ["auto", "proc"])
def test_a_frozen_box_does_not_outlive_the_next_start(mark, accounting):
    """Frozen by cgroup v1 a box cannot even die with its starter: the next sweep thaws and ends it."""
    code = CLIENT.replace("open_backend()", f"BubblewrapBackend.open({accounting!r})").replace(
        "time.sleep(100)\n", "box.freeze()\nos.kill(os.getpid(), 9)\n"
    )
    code = f"from sandbox.bubblewrap import BubblewrapBackend\n{code}"
    client = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={"M": mark}, capture_output=True, check=False)
    assert (client.stdout, client.stderr) == (b"up\n", b"")
    started = time.monotonic()
    BubblewrapBackend.open().keeper.sweep()
    assert time.monotonic() - started < 10
    assert gone(mark)
