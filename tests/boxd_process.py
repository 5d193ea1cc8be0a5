"""A boxd of a test's own, and what tests ask of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox import BoxSpec
from sandbox.boxd.client import BoxdBackend, boxd_status
from sandbox.bubblewrap import BubblewrapBackend
from sandbox.interpreter import running_interpreter_mounts

ROOT = Path(__file__).resolve().parents[1]
CORES = sorted(os.sched_getaffinity(0))
SOON_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Running:
    """A boxd of a test's own."""

    process: subprocess.Popen[bytes]
    path: str
    log: Path

    def backend(self) -> BoxdBackend:
        return BoxdBackend(self.path)

    def status(self) -> dict:
        return boxd_status(self.path)


@contextmanager
def starting(folder: Path) -> Iterator[Callable[..., Running]]:
    """Gives a function that starts one, with more environment if wished; all are killed and swept at the end."""
    running: list[Running] = []

    def start_one(**environment: str) -> Running:
        # pytest's own folders can be too deep for a socket.
        path = f"/tmp/rz-boxd-{os.getpid()}-{time.monotonic_ns()}.sock"
        log = folder / f"log{len(running)}"
        with log.open("wb") as file:
            command = [sys.executable, "-m", "sandbox.boxd", "--socket", path]
            process = subprocess.Popen(command, cwd=ROOT, stderr=file, env={**os.environ, **environment})
        running.append(Running(process=process, path=path, log=log))
        assert soon(Path(path).is_socket, 30), log.read_text()
        return running[-1]

    yield start_one
    for one in running:
        one.process.kill()
        one.process.wait()
        Path(one.path).unlink(missing_ok=True)
    BubblewrapBackend.open().keeper.sweep()


@pytest.fixture
def start_boxd(tmp_path) -> Iterator[Callable[..., Running]]:
    with starting(tmp_path) as start:
        yield start


@pytest.fixture
def boxd(start_boxd) -> Running:
    return start_boxd()


@pytest.fixture(scope="module")
def lasting_boxd(tmp_path_factory) -> Iterator[Running]:
    """One for many questions that it survives."""
    with starting(tmp_path_factory.mktemp("boxd")) as start:
        yield start()


def soon(condition: Callable[[], bool], within_s: float = SOON_S) -> bool:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def spec(**values) -> BoxSpec:
    return BoxSpec(mounts=running_interpreter_mounts(), **{"wall_s": 60.0, **values})


def run_true(backend, **values) -> None:
    """The control: boxd still does its work."""
    process = backend.prepare(spec(**values)).start(["/bin/true"])
    assert process.wait().exit_code == 0
    process.close()


def processes_with(mark: str) -> list[int]:
    found = []
    for file in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in file.read_bytes():
                found.append(int(file.parent.name))
        except OSError:
            continue
    return found


@pytest.fixture
def mark() -> str:
    return f"m{os.getpid()}x{time.monotonic_ns()}"


@pytest.fixture
def client(boxd) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Runs code in a process of its own that can be killed; `backend` is there, and `up()` tells that it is ready."""
    started: list[subprocess.Popen[bytes]] = []

    def run(code: str) -> subprocess.Popen[bytes]:
        lines = [
            "import os, time",
            "from sandbox import BoxSpec, open_backend",
            "backend = open_backend()",
            "up = lambda: os.write(1, b'up')",
            code,
            "time.sleep(100)",
        ]
        env = {"RANKZERO_BOXD": boxd.path}
        process = subprocess.Popen([sys.executable, "-c", "\n".join(lines)], cwd=ROOT, env=env, stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.read(2) == b"up"
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()
