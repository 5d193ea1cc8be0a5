"""What is Docker's own: the shim that reports, what the container shows, what is left when its owner dies."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import docker
import pytest

from sandbox import MIB, BoxSpec, BoxStartError, Mount, Outcome
from sandbox.capture import Capture
from sandbox.docker.account import open_account
from sandbox.docker.backend import DockerBackend
from sandbox.docker.engine import OWNER_LABEL, Engine, Remote
from sandbox.docker.folder import BoxFolder
from sandbox.interpreter import running_interpreter_mounts
from tests.docker_engine import docker_or_skip

pytestmark = pytest.mark.box
PYTHON = sys.executable


@pytest.fixture(scope="module")
def backend() -> DockerBackend:
    return docker_or_skip()


def run(backend: DockerBackend, code: str, **spec) -> tuple[Outcome, str]:
    process = backend.prepare(BoxSpec(**{"mounts": running_interpreter_mounts(), **spec})).start([PYTHON, "-c", code])
    try:
        process.stdin.close()
        out, err = Capture(process.stdout, 64 * 1024), Capture(process.stderr, 64 * 1024)
        outcome = process.wait()
        return outcome, out.result(10).text + err.result(10).text
    finally:
        process.close()


def containers_of(owner_pid: int) -> list[str]:
    engine = Engine.connect()
    try:
        return [container for container, owner in engine.owned() if f"-{owner_pid}-" in owner]
    finally:
        engine.close()


def test_the_program_finds_no_channel_of_the_shims(backend):
    """Every descriptor above 3, and every socket that the shim could be reached at, is tried for a forged ending."""
    code = """
import os, socket
for fd in range(4, 64):
    try: os.write(fd, b'{"code": 0}\\n'); print("wrote to", fd)
    except OSError: pass
for path in ("/proc/1/fd/3", "/proc/1/fd/4", "/proc/1/mem", "/proc/1/environ", "/proc/1/maps"):
    try: open(path, "rb"); print("opened", path)
    except PermissionError: pass
try: socket.socket(socket.AF_UNIX).connect("/.rankzero/sock"); print("connected")
except ConnectionRefusedError: print("refused")
raise SystemExit(41)
"""
    outcome, said = run(backend, code)
    assert (outcome.exit_code, said) == (41, "refused\n")


def test_an_honest_program_writes_where_it_may(backend):
    code = "import os; os.write(1, b'1'); os.write(2, b'2'); os.write(3, b'3'); open('/dev/stdout', 'w').write('4')"
    outcome, said = run(backend, code)
    assert outcome.exit_code == 0
    assert sorted(said) == ["1", "2", "4"]


def test_signals_do_not_reach_the_shim(backend):
    code = """
import os, signal
for number in set(signal.Signals) - {signal.SIGCHLD}:
    os.kill(1, number)
os._exit(42)
"""
    outcome, said = run(backend, code)
    assert (outcome.exit_code, said) == (42, "")


def test_a_shim_that_is_ended_by_a_limit_gains_nothing(backend):
    """Limits of another process of the same user can be set; what comes of it is a death, never a success."""
    code = """
import resource, time
resource.prlimit(1, resource.RLIMIT_CPU, (0, 0))
while True: time.sleep(0.01)
"""
    outcome, _ = run(backend, code, wall_s=3)
    assert outcome.status in {"signalled", "wall_limit"}


def test_a_forged_line_on_the_control_channel_is_only_data(backend):
    process = backend.prepare(BoxSpec(mounts=running_interpreter_mounts())).start(
        [PYTHON, "-c", "import os; os.write(3, b'{\"code\": 0}\\n'); os._exit(43)"]
    )
    outcome = process.wait()
    assert process.control.recv(64) == b'{"code": 0}\n'
    process.close()
    assert outcome.exit_code == 43


def test_a_child_that_the_kernel_kills_for_memory_is_the_memory_limit(backend):
    code = """
import os
if os.fork() == 0:
    kept = []
    while True: kept.append(bytearray(8 << 20))
os.wait()
"""
    outcome, _ = run(backend, code, memory_bytes=96 * MIB)
    assert (outcome.status, outcome.hits) == ("memory_limit", ("memory",))
    assert 64 * MIB < outcome.usage.peak_memory_bytes <= 112 * MIB


def test_a_shim_that_the_kernel_kills_for_memory_is_the_memory_limit(backend):
    """Files in /dev/shm belong to no process, so the kernel takes the largest: the shim, beside a shell."""
    spec = BoxSpec(memory_bytes=64 * MIB, shm_bytes=256 * MIB)
    process = backend.prepare(spec).start(["/bin/sh", "-c", "for n in 1 2 3; do cat /dev/zero >/dev/shm/$n; done"])
    outcome = process.wait()
    process.close()
    assert outcome.status == "memory_limit"


def test_the_container_shows_nothing_more_of_the_host(backend):
    code = """
import os
print(os.listdir("/sys"), os.listdir("/dev/mqueue"), repr(open("/etc/resolv.conf").read()))
print(open("/proc/self/cgroup").read().replace("\\n", " "))
print(sorted(os.environ), os.getuid(), os.getgroups())
for path in ("/x", "/etc/x", "/.rankzero/x", "/usr/x", "/dev/x"):
    try: open(path, "w"); print("wrote", path)
    except OSError: pass
"""
    outcome, said = run(backend, code)
    first, groups, third = said.splitlines()
    assert outcome.exit_code == 0
    assert first == "[] [] ''"
    assert all(line.endswith(":/") for line in groups.split())
    assert third == "['HOME', 'LANG', 'PATH', 'PWD', 'TMPDIR'] 10001 [10001]"


def test_what_the_runtime_and_the_shim_used_is_not_billed(backend):
    process = backend.prepare(BoxSpec()).start(["/usr/bin/true"])
    usage = process.wait().usage
    process.close()
    assert usage.source in {"cgroup1", "cgroup2"}
    assert 0 < usage.cpu_s < 0.1
    assert 0 < usage.peak_memory_bytes < 8 * MIB


def test_the_smallest_box_runs(backend):
    """Fewer processes than the container runtime itself needs to start, and hardly more memory."""
    spec = BoxSpec(memory_bytes=16 * MIB, pids=1, disk_bytes=4096, shm_bytes=4096, inodes=16)
    process = backend.prepare(spec).start(["/bin/sh", "-c", "echo one; /usr/bin/true; echo two"])
    said, errors = process.stdout.read(), process.stderr.read()
    outcome = process.wait()
    process.close()
    assert said.startswith(b"one\n")
    assert b"fork" in errors.lower()  # the second process is one too many
    assert "pids" in outcome.hits


def test_a_box_lands_in_no_second_hand_container(backend):
    """Containers that wait are used once: a second box of the same wish sees nothing of the first."""
    leave = """
import os
for folder in ("/work", "/tmp", "/dev/shm"): open(f"{folder}/left", "w").close()
os.fork() or os.pause()
"""
    look = """
import os
print([folder for folder in ("/work", "/tmp", "/dev/shm") if "left" in os.listdir(folder)])
print(sum(name.isdigit() for name in os.listdir("/proc")))
"""
    spec = {"inodes": 4000 + os.getpid() % 1000}
    seen = []
    for _ in range(4):
        run(backend, leave, wall_s=0.7, **spec)
        _, said = run(backend, look, **spec)
        seen.append(said.splitlines())
        time.sleep(0.5)
    assert seen == [["[]", "2"]] * 4


def test_containers_that_wait_start_sooner(backend):
    """The third box of a wish finds one ready; what is measured is one start against the first one's."""
    spec = BoxSpec(inodes=6000 + os.getpid() % 1000)
    took = []
    for _ in range(4):
        began = time.monotonic()
        process = backend.prepare(spec).start(["/usr/bin/true"])
        took.append(time.monotonic() - began)
        assert process.wait().exit_code == 0
        process.close()
        time.sleep(2)
    assert took[3] < took[0] / 3


def test_frozen_boxes_use_nothing_and_can_be_ended(backend):
    box = backend.prepare(BoxSpec(mounts=running_interpreter_mounts()))
    process = box.start([PYTHON, "-c", "while True: pass"])
    time.sleep(0.3)
    box.freeze()
    before = box.usage().cpu_s
    time.sleep(0.3)
    assert box.usage().cpu_s == before
    box.thaw()
    time.sleep(0.3)
    assert box.usage().cpu_s > before
    box.freeze()
    box.kill()
    assert process.wait().status == "killed"
    process.close()


def test_a_pod_is_one_loopback_for_its_boxes_alone(backend):
    serve = """
import socket
server = socket.create_server(("127.0.0.1", 9000))
print("up", flush=True)
server.accept()[0].sendall(b"hello")
"""
    ask = "import socket; print(socket.create_connection(('127.0.0.1', 9000), timeout=2).recv(9))"
    with backend.open_pod() as pod:
        server = backend.prepare(BoxSpec(mounts=running_interpreter_mounts()), pod=pod).start([PYTHON, "-c", serve])
        assert server.stdout.readline() == b"up\n"
        _, stranger = run(backend, ask)
        assert "ConnectionRefusedError" in stranger
        client = backend.prepare(BoxSpec(mounts=running_interpreter_mounts()), pod=pod).start([PYTHON, "-c", ask])
        assert client.stdout.read() == b"b'hello'\n"
        for process in (client, server):
            assert process.wait().exit_code == 0
            process.close()


def test_the_box_dies_with_its_owner_and_the_next_one_sweeps(backend):
    """The owner is killed hard while it has a running box, a waiting container, and one that never started."""
    owner = subprocess.Popen(
        [PYTHON, "-c", _OWNER], stdout=subprocess.PIPE, cwd=Path(__file__).resolve().parents[2], env=dict(os.environ)
    )
    assert owner.stdout is not None
    with owner.stdout:
        pid = int(owner.stdout.readline())
        assert len(containers_of(owner.pid)) >= 2
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()
    assert backend.sweep() >= 2
    assert containers_of(owner.pid) == []
    assert not list(Path(tempfile.gettempdir()).glob(f"rankzero-*-{owner.pid}-*"))
    assert run(backend, "print(1)")[1] == "1\n"  # the living owner's boxes are left alone


_OWNER = """
import sys, time
from sandbox import BoxSpec
from sandbox.docker.backend import DockerBackend
from sandbox.docker.engine import OWNER_LABEL
from sandbox.owner import owner_name
backend = DockerBackend.open()
box = backend.prepare(BoxSpec(wall_s=60))
process = box.start(["/bin/sleep", "60"])
backend._engine.create({"Image": backend._maker._image, "Cmd": ["/x"], "Labels": {OWNER_LABEL: owner_name()}})
print(box._monitor._vessel.init_pid, flush=True)
time.sleep(60)
"""


def test_nothing_that_a_learner_wrote_reaches_the_engine(backend):
    secret = f"needle{os.getpid()}"
    spec = BoxSpec(env={"NOTE": secret}, files={f"{secret}.txt": secret.encode()})
    process = backend.prepare(spec).start(["/bin/sh", "-c", f"sleep 1; echo {secret}"])
    engine = Engine.connect()
    try:
        shown = []
        for container in containers_of(os.getpid()):
            with contextlib.suppress(docker.errors.NotFound):  # an earlier box's, which went meanwhile
                shown.append(engine._api.inspect_container(container))
    finally:
        engine.close()
    assert process.stdout.read().decode().strip() == secret
    process.wait()
    process.close()
    assert shown
    assert OWNER_LABEL in str(shown)
    assert secret not in str(shown)


def test_a_missing_mount_is_said_before_a_container_is_made(backend):
    with pytest.raises(BoxStartError, match="does not exist"):
        backend.prepare(BoxSpec(mounts=(Mount(source=Path("/nowhere/x"), target="/x"),))).start(["/usr/bin/true"])


def test_a_stranger_on_the_socket_is_not_taken_for_the_shim(tmp_path):
    """The host believes a first process only if the engine's cgroup says that it is one."""
    folder = BoxFolder()
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(str(folder.socket))
        met = folder.accept(1)
    assert met is not None
    channel, pid = met
    channel.close()
    folder.remove()
    assert pid == os.getpid()
    with pytest.raises(BoxStartError, match="is not in container"):
        open_account(pid, "0" * 64, Remote(None, ""))  # type: ignore[arg-type]
