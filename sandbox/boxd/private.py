"""A boxd of one command's own, for when none runs: it lives as long as the command."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.boxd.client import boxd_status
from sandbox.errors import SandboxUnavailable
from sandbox.opening import require_name

_ROOT = Path(__file__).resolve().parents[2]
_VARIABLE = "RANKZERO_BOXD"
_READY_S = 120.0  # an engine of another backend may have to make its image first
_STOPPED_S = 20.0
_TAIL_LINES = 5


@contextmanager
def boxd_at_hand(backend: str = "bubblewrap") -> Iterator[None]:
    """$RANKZERO_BOXD names a boxd for the time of the context: the one that it names already, or a private one.

    Raises SandboxUnavailable.
    """
    if os.environ.get(_VARIABLE):
        yield
        return
    with private_boxd(backend) as path:
        os.environ[_VARIABLE] = path
        try:
            yield
        finally:
            del os.environ[_VARIABLE]


@contextmanager
def private_boxd(backend: str = "bubblewrap") -> Iterator[str]:
    """Start a boxd and give the path of its socket; it stops, and its boxes end, with the context or this process.

    Raises SandboxUnavailable with what it said if it cannot make boxes.
    """
    require_name(backend)
    with tempfile.TemporaryDirectory(prefix="rankzero-boxd-") as folder:
        path, log = Path(folder, "boxd.sock"), Path(folder, "log")
        process = _start(path, log, backend)
        try:
            _await_ready(process, path, log)
            yield str(path)
        finally:
            _stop(process)


def _start(path: Path, log: Path, backend: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "sandbox.boxd", "--socket", str(path), "--backend", backend, "--die-with-stdin"]
    with log.open("wb") as file:
        # A session of its own: Ctrl-C is for the command, which ends boxd when it is done with its boxes. Its standard
        # input ends with this process however that ends; unlike a parent's death signal it does not depend on a thread.
        return subprocess.Popen(
            command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=file, stderr=file, start_new_session=True
        )


def _await_ready(process: subprocess.Popen[bytes], path: Path, log: Path) -> None:
    deadline = time.monotonic() + _READY_S
    while not path.is_socket():
        if process.poll() is not None:
            raise SandboxUnavailable(_said(log) or f"boxd ended with code {process.returncode}")
        if time.monotonic() > deadline:
            raise SandboxUnavailable(f"boxd was not ready after {_READY_S:g} s; it said: {_said(log) or 'nothing'}")
        time.sleep(0.02)
    boxd_status(str(path))


def _said(log: Path) -> str:
    """The end of boxd's log; just the reason if it gave one."""
    lines = log.read_text(errors="replace").splitlines()
    return lines[-1].removeprefix("boxd: ") if len(lines) == 1 else "\n".join(lines[-_TAIL_LINES:])


def _stop(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(_STOPPED_S)
    except subprocess.TimeoutExpired:
        process.kill()  # the kernel ends its boxes with it
        process.wait()
