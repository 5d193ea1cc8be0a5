"""Starts the real site (`manage.py up`) for integration and browser tests: a free port, a state folder of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Site:
    """One `manage.py up` tree. `log` is the file of everything that it printed."""

    def __init__(self, state: Path, *, port: int | None = None, env: dict[str, str] | None = None) -> None:
        self.state, self.port = state, port or free_port()
        self.env = {**os.environ, "RANKZERO_STATE": str(state), **(env or {})}
        self.log = state / "up.log"
        self.command = [sys.executable, "manage.py", "up", "--port", str(self.port)]
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, timeout_s: float = 60) -> float:
        """Start and wait until ready; returns the seconds that it took."""
        self.share_assets()
        began = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT, env=self.env, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
        while time.monotonic() - began < timeout_s:
            if self.process.poll() is not None:
                raise AssertionError(f"the site ended with {self.process.returncode}:\n{self.output()}")
            if self.answers("/readyz"):
                return time.monotonic() - began
            time.sleep(0.05)
        raise AssertionError(f"the site was not ready after {timeout_s} s:\n{self.output()}")

    def share_assets(self) -> None:
        """Models are built once a clone, not once a test."""
        built = ROOT / "var" / "assets"
        built.mkdir(parents=True, exist_ok=True)
        if not (self.state / "assets").exists():
            (self.state / "assets").symlink_to(built)

    def answers(self, path: str) -> bool:
        try:
            with urllib.request.urlopen(self.url + path, timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def stop(self, number: int = signal.SIGINT, timeout_s: float = 15) -> int:
        """Send a signal to the supervisor as Ctrl-C would; returns its exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout_s)

    def output(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def accounts(self) -> dict[str, str]:
        """User name → password of the demo sign-ins."""
        lines = (self.state / "demo_accounts.txt").read_text().splitlines()
        pairs = (line.split() for line in lines if line.strip() and not line.startswith("#"))
        return {name: password for name, password, *_ in pairs}

    def descendants(self) -> list[int]:
        """Pids whose environment names this state folder: the whole tree, wherever it was re-parented."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and self.owns(entry):
                    found.append(int(entry.name))
            except OSError:  # the process ended meanwhile
                continue
        return [pid for pid in found if self.process is None or pid != self.process.pid]

    def owns(self, entry: Path) -> bool:
        """By its environment, or by its folder: Valkey writes its title over its environment."""
        variable = f"RANKZERO_STATE={self.state}".encode()
        return (
            variable in (entry / "environ").read_bytes().split(b"\0")
            or self.state in (entry / "cwd").readlink().parents
        )
