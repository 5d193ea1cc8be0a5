"""boxd's socket under attack: nonsense, silent and deaf clients, other users; and the honest request beside each."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox import SandboxUnavailable
from sandbox.boxd import wire
from sandbox.boxd.client import BoxdBackend
from sandbox.boxd.figures import boxd_figures
from sandbox.boxd.link import request
from sandbox.errors import FrameError
from sandbox.frames import recv_frame
from tests.boxd_process import (
    CORES,
    SOON_S,
    run_true,
    soon,
    spec,
)

pytestmark = pytest.mark.box


def test_silent_and_half_finished_clients_hold_nobody_up(boxd):
    silent = [socket.socket(socket.AF_UNIX) for _ in range(30)]
    for number, sock in enumerate(silent):
        sock.connect(boxd.path)
        sock.sendall(b"-\0\0\1" if number % 2 else b"")
    began = time.monotonic()
    run_true(boxd.backend())
    assert time.monotonic() - began < 5
    for sock in silent:
        sock.close()


def flood(sock: socket.socket, data: bytes) -> None:
    while True:
        sock.send(data)


def test_a_client_that_never_reads_holds_nobody_up(boxd):
    backend = boxd.backend()
    plain, payload = wire.spec_to_wire(spec())
    read, write = os.pipe()
    header = {"op": "run", "backend": "bubblewrap", "pod": None, "argv": ["/bin/sleep", "60"], "spec": plain}
    sock, _ = request(boxd.path, header, payload, fds=[read, write, write, write])
    sock.setblocking(False)
    usage = _frame({"op": "usage"})
    with pytest.raises(BlockingIOError):
        flood(sock, usage)
    run_true(backend)
    assert [box["backend"] for box in boxd.status()["boxes"]] == ["bubblewrap"]
    sock.close()
    assert soon(lambda: not boxd.status()["boxes"])
    os.close(read)
    os.close(write)


def _frame(header: object, payload: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack(">IQ", len(text), len(payload)) + text + payload


GOOD_LEASE = {"op": "lease", "cores": 1, "gpus": 0, "wait_s": 1}


@pytest.mark.parametrize(
    "sent",
    [
        b"X" + _frame({"op": "status"}),
        b"-" + _frame(b"[]"),
        b"-" + _frame(b"not json"),
        b"-" + _frame({"op": "status", "op2": 1}),
        b"-" + _frame({"op": "fly"}),
        b"-" + _frame({"op": ["run"]}),
        b"-" + _frame({"op": "run"}),
        b"F" + _frame({"op": "status"}),
        b"-" + _frame({"op": "check", "backend": 7}),
        b"-" + _frame(GOOD_LEASE | {"cores": "1"}),
        b"-" + _frame(GOOD_LEASE | {"cores": True}),
        b"-" + _frame(GOOD_LEASE | {"cores": -1}),
        b"-" + _frame(GOOD_LEASE | {"wait_s": -1}),
        b"-" + _frame(b'{"op":"lease","cores":1,"gpus":0,"wait_s":NaN}'),
        b"-" + _frame({"op": "pod", "backend": "../../etc"}),
        b"-" + struct.pack(">IQ", 2**31, 0),
        b"-" + struct.pack(">IQ", 2, 2**62) + b"{}",
    ],
)
def test_malformed_requests_are_refused_and_logged(lasting_boxd, sent):
    boxd = lasting_boxd
    logged = boxd.log.read_bytes().count(b"refused: ")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(boxd.path)
        sock.sendall(sent)
        frame = recv_frame(sock, timeout_s=SOON_S)
        assert frame is not None
        assert frame.header["event"] == "refused"
        assert frame.header["message"]
    assert boxd.log.read_bytes().count(b"refused: ") == logged + 1
    assert boxd.process.poll() is None
    with boxd.backend().lease(**{name: GOOD_LEASE[name] for name in ("cores", "gpus", "wait_s")}):
        pass  # the control: the well-formed one is served


@pytest.mark.parametrize(
    "change",
    [
        {"files": [["a", -1]]},
        {"files": [["a", 5]]},
        {"mounts": [["relative", "/data"]]},
        {"mounts": 3},
        {"memory_bytes": 1},
        {"memory_bytes": "much"},
        {"surprise": 1},
        {"warm": "everything"},
        {"env": {"a b": "c"}},
    ],
)
def test_a_bad_spec_is_refused(lasting_boxd, change):
    boxd = lasting_boxd
    plain, payload = wire.spec_to_wire(spec())
    header = {"op": "run", "backend": "bubblewrap", "pod": None, "argv": ["/bin/true"], "spec": plain | change}
    streams = [os.memfd_create(f"s{number}") for number in range(wire.STREAMS)]
    try:
        with pytest.raises((ValueError, TypeError, FrameError)):
            request(boxd.path, header, payload, fds=streams)
        sock, answer = request(boxd.path, header | {"spec": plain}, payload, fds=streams)
        assert answer["event"] == "started"  # the control
        sock.close()
    finally:
        for fd in streams:
            os.close(fd)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_is_refused_even_where_the_socket_is_open_to_all(boxd):
    Path(boxd.path).chmod(0o777)
    ask = (
        "import os, socket, sys; os.setuid(int(sys.argv[2])); s = socket.socket(socket.AF_UNIX)\n"
        "s.connect(sys.argv[1]); s.sendall(bytes.fromhex(sys.argv[3])); print(len(s.recv(10)))"
    )
    question = (b"-" + _frame({"op": "status"})).hex()
    said = [
        subprocess.run(
            [sys.executable, "-c", ask, boxd.path, uid, question], capture_output=True, text=True, check=False
        )
        for uid in ("65534", "0")
    ]
    assert said[0].stdout.strip() in {"0", ""}  # closed, whether it could still write or not
    assert said[1].stdout.strip() == "10"  # the control
    assert "it is of uid 65534" in boxd.log.read_text()


def test_a_backend_that_cannot_be_had_is_named_and_the_other_goes_on(start_boxd):
    boxd = start_boxd(DOCKER_HOST="unix:///nowhere/docker.sock")
    with pytest.raises(SandboxUnavailable, match=r"(?i)docker"):
        BoxdBackend(boxd.path, "docker")
    with pytest.raises(SandboxUnavailable, match="no sandbox backend 'podman'"):
        BoxdBackend(boxd.path, "podman")
    run_true(boxd.backend())


def test_the_status_tells_what_runs(boxd):
    backend = boxd.backend()
    assert boxd.status()["boxes"] == []
    process = backend.prepare(spec()).start(["/bin/sleep", "60"])
    (box,) = boxd.status()["boxes"]
    assert (box["backend"], box["age_s"] < SOON_S) == ("bubblewrap", True)
    process.close()
    assert soon(lambda: boxd.status()["boxes"] == [])
    assert boxd.status()["cores"] == {"all": CORES, "shared": CORES}


def test_the_figures_are_those_of_the_moment(boxd):
    backend = boxd.backend()
    run_true(backend)
    assert boxd_figures(boxd.path).boxes == {"bubblewrap": 0}
    process = backend.prepare(spec()).start(["/bin/sleep", "60"])
    with backend.lease(cores=1):
        figures = boxd_figures(boxd.path)
    assert (figures.boxes, figures.cores, figures.cores_leased) == ({"bubblewrap": 1}, len(CORES), 1)
    process.close()
    assert soon(lambda: boxd_figures(boxd.path).boxes_ended == {"exited": 1, "killed": 1})
    assert boxd_figures(boxd.path).cores_leased == 0
