"""Two boxes of a pod meet on one loopback, and nobody else does."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import BoxSpec, BoxStartError, Process
from sandbox.bubblewrap import BubblewrapBackend
from sandbox.interpreter import running_interpreter_mounts
from sandbox.pods import BwrapPod

pytestmark = [pytest.mark.box, pytest.mark.usefixtures("nothing_left")]
ROOT = Path(__file__).resolve().parents[2]
SYSTEM_PYTHON = Path("/usr/bin/python3.11")

SERVE = """
import socket
server = socket.create_server(("127.0.0.1", 8000))
print("up", flush=True)
while True:
    client, _ = server.accept()
    client.sendall(b"hello " + client.recv(100))
    client.close()
"""
ASK = """
import socket, sys
try:
    with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 3) as server:
        server.sendall(b"you")
        print(server.recv(100).decode(), end="")
except OSError as error:
    print(type(error).__name__, end="")
"""


def start(backend: BubblewrapBackend, code: str, *argv: str, pod: BwrapPod | None) -> Process:
    box = backend.prepare(BoxSpec(mounts=running_interpreter_mounts(), wall_s=20), pod=pod)
    return box.start([sys.executable, "-c", code, *argv])


def said(process: Process) -> str:
    text = process.stdout.read().decode()
    process.wait()
    process.close()
    return text


@pytest.fixture
def pod(backend) -> Iterator[BwrapPod]:
    with backend.open_pod() as pod:
        yield pod


@pytest.fixture
def server(backend, pod) -> Iterator[Process]:
    process = start(backend, SERVE, pod=pod)
    assert process.stdout.read(3) == b"up\n"
    yield process
    process.close()


@pytest.mark.usefixtures("server")
def test_boxes_of_a_pod_talk(backend, pod):
    assert said(start(backend, ASK, "8000", pod=pod)) == "hello you"


@pytest.mark.usefixtures("server")
def test_boxes_outside_do_not(backend):
    assert said(start(backend, ASK, "8000", pod=None)) == "ConnectionRefusedError"
    with backend.open_pod() as other:
        assert said(start(backend, ASK, "8000", pod=other)) == "ConnectionRefusedError"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", 8000), 3)


def test_the_hosts_loopback_and_abstract_sockets_are_out_of_reach(backend, pod):
    name = f"rz-test-{os.getpid()}"
    abstract = f'import socket; socket.socket(socket.AF_UNIX).connect("\\0{name}")'
    with socket.create_server(("127.0.0.1", 0)) as host, socket.socket(socket.AF_UNIX) as hidden:
        hidden.bind(f"\0{name}")
        hidden.listen()
        port = host.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port), 3):  # the control: it is there
            pass
        with socket.socket(socket.AF_UNIX) as known:
            known.connect(f"\0{name}")
        assert said(start(backend, ASK, str(port), pod=pod)) == "ConnectionRefusedError"
        process = start(backend, abstract, pod=pod)
        assert b"Connection refused" in process.stderr.read()
        process.close()


def test_boxes_of_a_pod_share_nothing_else(backend, pod):
    show = (
        "import os\n"
        "print(*(os.readlink(f'/proc/self/ns/{n}') for n in ('net', 'pid', 'mnt', 'ipc', 'uts', 'user')), flush=True)\n"
        "os.read(0, 1)"
    )
    # All at once: the kernel gives a namespace that is gone its number away.
    boxes = [start(backend, show, pod=its) for its in (pod, pod, None)]
    first, second, alone = (process.stdout.readline().split() for process in boxes)
    assert first[0] == second[0]
    assert not set(first[1:]) & set(second[1:])
    assert not set(alone) & {*first, *second}
    for process in boxes:
        process.close()


def test_nobody_in_a_pod_rules_its_network(backend, pod):
    take_down = "import fcntl, socket, struct\nfcntl.ioctl(socket.socket(), 0x8914, struct.pack('16sH14x', b'lo', 0))"
    process = start(backend, take_down, pod=pod)
    assert b"Operation not permitted" in process.stderr.read()
    process.close()


def test_closing_a_pod_ends_its_boxes(backend):
    pod = backend.open_pod()
    process = start(backend, SERVE, pod=pod)
    assert process.stdout.read(3) == b"up\n"
    pod.close()
    assert process.wait().status == "killed"
    process.close()
    pod.close()  # again is fine
    with pytest.raises(BoxStartError, match="is closed"):
        start(backend, SERVE, pod=pod)


def test_a_pod_of_someone_else_is_refused(backend, pod):
    class Foreign:
        name = "foreign"

    with pytest.raises(BoxStartError, match="foreign is not a pod"):
        backend.prepare(BoxSpec(), pod=Foreign())  # type: ignore[arg-type]


AS_USER = """
import json
from sandbox import BoxSpec
from sandbox.bubblewrap import BubblewrapBackend
SERVE, ASK = {serve!r}, {ask!r}
python = "/usr/bin/python3.11"
backend = BubblewrapBackend.open()
def ask(pod):
    process = backend.prepare(BoxSpec(), pod=pod).start([python, "-c", ASK, "8000"])
    said = process.stdout.read().decode()
    process.close()
    return said
with backend.open_pod() as pod:
    server = backend.prepare(BoxSpec(), pod=pod).start([python, "-c", SERVE])
    assert server.stdout.read(3) == b"up\\n", server.stderr.read()
    print(json.dumps([ask(pod), ask(None), [check.ok for check in backend.check() if check.name == "pods"]]))
server.close()
"""


@pytest.mark.skipif(os.geteuid() != 0 or not SYSTEM_PYTHON.exists(), reason="needs root, to become someone else")
def test_a_user_without_privileges_has_pods():
    folder = Path(tempfile.mkdtemp(prefix="rz-test-"))  # pytest's own folders are for their owner only
    shutil.copytree(ROOT / "sandbox", folder / "sandbox", ignore=shutil.ignore_patterns("__pycache__"))
    folder.chmod(0o755)
    try:
        done = subprocess.run(
            [SYSTEM_PYTHON, "-B", "-c", AS_USER.format(serve=SERVE, ask=ASK)],
            cwd=folder, env={"PATH": "/usr/bin:/bin"}, user=65534, group=65534, extra_groups=[],
            capture_output=True, timeout=60, check=False,
        )  # fmt: skip
    finally:
        shutil.rmtree(folder)
    assert done.stderr == b""
    assert json.loads(done.stdout) == ["hello you", "ConnectionRefusedError", [True]]
