"""What boxd gives out (cores, frozen boxes, pods) and how it comes back, whoever dies."""

from __future__ import annotations

import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from sandbox import BoxStartError, SandboxUnavailable
from sandbox.boxd import wire
from sandbox.boxd.client import BoxdBackend
from sandbox.cgroups import owned_folders
from tests.boxd_process import (
    CORES,
    SOON_S,
    processes_with,
    run_true,
    soon,
    spec,
)

pytestmark = pytest.mark.box
two_cores = pytest.mark.skipif(len(CORES) < 2, reason="needs two cores")

BURN = """
import os, threading
def burn():
    while True: pass
os.fork()
for _ in range(2): threading.Thread(target=burn, daemon=True).start()
os.write(1, b"x")
burn()
"""


def cores_of(mark: str) -> set[str]:
    """Where the threads of the marked processes may run."""
    found = set()
    for pid in processes_with(mark):
        for status in Path(f"/proc/{pid}/task").glob("*/status"):
            try:
                lines = status.read_text().splitlines()
            except OSError:
                continue
            found |= {line.split()[1] for line in lines if line.startswith("Cpus_allowed_list")}
    return found


# --- leases -----------------------------------------------------------------------------------------------------------


@two_cores
def test_a_burning_box_is_off_a_leased_core_at_once_and_comes_back(remote, mark):
    backend = remote
    process = backend.prepare(spec(env={"M": mark})).start([sys.executable, "-c", BURN])
    assert len(process.stdout.read(1) + process.stdout.read(1)) == 2
    free = cores_of(mark)
    with backend.lease(cores=1) as lease:
        asked = time.monotonic()
        assert lease.cores == (CORES[-1],)
        assert soon(lambda: not any(_holds(text, CORES[-1]) for text in cores_of(mark)), 0.1)
        assert time.monotonic() - asked < 0.5
        late = backend.prepare(spec(env={"M": mark + "late"})).start(["/bin/sleep", "60"])
        assert soon(lambda: len(processes_with(mark + "late")) > 0)
        assert not any(_holds(text, CORES[-1]) for text in cores_of(mark + "late"))
        run_true(backend, cpus=lease.cores)  # the holder's own box runs there
    assert soon(lambda: cores_of(mark) == free, 0.1)
    assert soon(lambda: cores_of(mark + "late") == free, 0.1)
    for each in (process, late):
        each.close()


def _holds(cores: str, core: int) -> bool:
    """Whether a list such as "0-2,5" holds the core."""
    spans = [part.split("-") for part in cores.split(",")]
    return any(int(span[0]) <= core <= int(span[-1]) for span in spans)


def test_boxes_wait_for_the_end_of_a_lease_of_every_core(boxd):
    backend = boxd.backend()
    with backend.lease(cores=len(CORES)) as lease:
        waiting = threading.Thread(target=run_true, args=(backend,))
        waiting.start()
        run_true(backend, cpus=lease.cores)  # the control: who names its cores is not held up
        waiting.join(wire.WAITING_S + 1)  # longer than boxd is silent
        assert waiting.is_alive()
    waiting.join(SOON_S)
    assert not waiting.is_alive()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_client_that_dies_gives_its_lease_back(boxd, client, number):
    holder = client("lease = backend.lease(cores=1)\nup()")
    assert len(boxd.status()["leases"]) == 1
    holder.send_signal(number)
    assert soon(lambda: not boxd.status()["leases"], 2)
    boxd.backend().lease(cores=len(CORES), wait_s=0).release()


def test_who_waits_for_the_cores_of_a_killed_client_has_them_at_once(boxd, client, mark):
    """And what ran on them is over."""
    every = len(CORES)
    holder = client(
        f"lease = backend.lease(cores={every})\n"
        f"spec = BoxSpec(env={{'M': '{mark}'}}, wall_s=100, cpus=lease.cores)\n"
        "process = backend.prepare(spec).start(['/bin/sh', '-c', 'echo up; while :; do :; done'])\n"
        "process.stdout.read(3)\n"
        "up()"
    )
    with pytest.raises(TimeoutError):  # the control: as long as it lives they are its own
        boxd.backend().lease(cores=every, wait_s=0.5)
    holder.kill()
    killed = time.monotonic()
    with boxd.backend().lease(cores=every, wait_s=5):
        waited_s = time.monotonic() - killed
    assert waited_s < 1
    assert soon(lambda: not processes_with(mark), 2)


def test_a_client_that_dies_while_it_waits_leaves_the_queue(boxd, client):
    backend = boxd.backend()
    every = len(CORES)
    with backend.lease(cores=every):
        waiter = client(f"up()\nbackend.lease(cores={every})")
        assert soon(lambda: [lease["waiting"] for lease in boxd.status()["leases"]] == [False, True])
        waiter.kill()
        assert soon(lambda: len(boxd.status()["leases"]) == 1, 2)
    with pytest.raises(ValueError, match="can never be had"):
        backend.lease(cores=every + 1)
    with pytest.raises(ValueError, match="can never be had"):
        backend.lease(gpus=99)


def test_a_box_whose_client_dies_while_it_waits_for_a_core_never_starts(boxd, client, mark):
    with boxd.backend().lease(cores=len(CORES)):
        waiter = client(f"up()\nbackend.prepare(BoxSpec(env={{'M': '{mark}'}})).start(['/bin/sleep', '60'])")
        time.sleep(0.5)
        waiter.kill()
        assert soon(lambda: b"went before it was served" in boxd.log.read_bytes(), 2)
    time.sleep(0.3)
    assert not processes_with(mark)
    run_true(boxd.backend())


def test_a_lease_that_takes_too_long_is_given_up(boxd):
    with boxd.backend().lease(cores=len(CORES)), pytest.raises(TimeoutError, match=r"1 core came free within 0\.3 s"):
        boxd.backend().lease(cores=1, wait_s=0.3)
    assert not boxd.status()["leases"]


# --- freezing ---------------------------------------------------------------------------------------------------------


def test_a_box_is_frozen_and_thawed_through_boxd(remote):
    box = remote.prepare(spec())
    process = box.start([sys.executable, "-c", BURN])
    assert process.stdout.read(1) == b"x"
    box.freeze()
    before = box.usage().cpu_s
    time.sleep(0.3)
    assert box.usage().cpu_s - before < 0.02
    box.thaw()
    assert soon(lambda: box.usage().cpu_s - before > 0.05)
    box.freeze()
    began = time.monotonic()
    box.kill()  # also while frozen
    assert time.monotonic() - began < 2
    assert process.wait().status == "killed"
    box.freeze()
    box.thaw()  # once it has ended, nothing happens
    process.close()


# --- pods -------------------------------------------------------------------------------------------------------------

SERVE = """
import socket
server = socket.create_server(("127.0.0.1", 8000))
print("up", flush=True)
while True:
    peer, _ = server.accept()
    peer.sendall(b"hello")
    peer.close()
"""
FETCH = "import socket; print(socket.create_connection(('127.0.0.1', 8000), 5).recv(5).decode())"


def fetch(backend, pod) -> bytes:
    process = backend.prepare(spec(), pod=pod).start([sys.executable, "-c", FETCH])
    said = process.stdout.read()
    process.close()
    return said


def test_boxes_of_a_pod_meet_and_end_with_it(remote, boxd, mark):
    backend = remote
    with backend.open_pod() as pod, backend.open_pod() as other:
        assert pod.name != other.name
        assert len(boxd.status()["pods"]) == 2
        server = backend.prepare(spec(env={"M": mark}), pod=pod).start([sys.executable, "-c", SERVE])
        assert server.stdout.read(3) == b"up\n"
        assert fetch(backend, pod) == b"hello\n"
        assert fetch(backend, other) == b""
        assert fetch(backend, None) == b""
    assert not processes_with(mark)
    assert server.wait().status == "killed"
    server.close()
    assert boxd.status()["pods"] == []
    with pytest.raises(BoxStartError, match="no open pod"):
        backend.prepare(spec(), pod=pod).start(["/bin/true"])


def test_a_pod_ends_with_the_client_that_opened_it_with_its_boxes(boxd, client, mark):
    client(
        f"""
pod = backend.open_pod()
box = backend.prepare(BoxSpec(env={{"M": "{mark}"}}, wall_s=100), pod=pod)
process = box.start(["/bin/sh", "-c", "echo up; sleep 100"])
assert process.stdout.read(3) == b"up\\n"
up()
"""
    ).kill()
    assert soon(lambda: not processes_with(mark), 3)
    assert soon(lambda: boxd.status()["pods"] == [])


def test_a_pod_is_of_one_backend_of_boxd(boxd, backend):
    with boxd.backend().open_pod() as pod:
        with pytest.raises(BoxStartError, match="not a pod"):
            backend.prepare(spec(), pod=pod)
        run_true(boxd.backend())
    with backend.open_pod() as local, pytest.raises(BoxStartError, match="not a pod"):
        boxd.backend().prepare(spec(), pod=local)


# --- trouble ----------------------------------------------------------------------------------------------------------


def test_boxd_killed_hard_takes_boxes_pods_and_leases_along(remote, boxd, start_boxd, mark):
    lease, pod = remote.lease(cores=1), remote.open_pod()
    process = remote.prepare(spec(env={"M": mark}), pod=pod).start(["/bin/sh", "-c", "echo up; sleep 100 & sleep 100"])
    assert process.stdout.read(3) == b"up\n"
    boxd.process.kill()
    boxd.process.wait()
    assert soon(lambda: not processes_with(mark), 3)
    assert process.wait().status == "box_error"
    process.close()
    lease.release()  # does not hang, does not raise
    pod.close()
    with pytest.raises(SandboxUnavailable, match="does not answer"):
        remote.lease(cores=1)
    successor = start_boxd()
    assert not groups_of(boxd.process.pid)  # swept
    successor.backend().lease(cores=len(CORES), wait_s=0).release()
    run_true(BoxdBackend(successor.path, remote.name))


def groups_of(pid: int) -> list[Path]:
    return [folder for folder in owned_folders(Path("/sys/fs/cgroup")) if f"-{pid}-" in folder.name]


def test_boxd_stops_although_leases_are_held_and_waited_for(boxd, client):
    with boxd.backend().lease(cores=len(CORES)):
        client(f"up()\nbackend.lease(cores={len(CORES)})")
        client("up()\nbackend.prepare(BoxSpec()).start(['/bin/true'])")
        time.sleep(0.3)
        boxd.process.terminate()
        assert boxd.process.wait(20) == 0
    assert b"no box left" in boxd.log.read_bytes()
