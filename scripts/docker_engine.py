"""Starts and stops a private Docker engine in one folder, for tests: `docker_engine.py start|stop --dir D`.

It leaves the machine's firewall and bridges alone, so its containers have no network but loopback: what boxes need.
Needs root and `dockerd` (Debian: docker.io). Standard library only. Both commands may be repeated.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

READY_S = 60.0
GONE_S = 30.0
_QUIET = ("--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false")


class EngineError(Exception):
    """No engine can be had; the message says what to do."""


class Engine:
    """The engine of one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.socket = self.folder / "d.sock"
        self.log = self.folder / "log"
        self._pid_file = self.folder / "pid"

    @property
    def host(self) -> str:
        """What DOCKER_HOST must be."""
        return f"unix://{self.socket}"

    def start(self) -> None:
        """Return once it answers. Raises EngineError."""
        if self.answers():
            return
        dockerd = shutil.which("dockerd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
        if dockerd is None:
            raise EngineError("dockerd is missing: run `apt-get install --no-install-recommends docker.io`")
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [dockerd, *self._flags()], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._await_answer(process)

    def stop(self) -> None:
        """End it and wait until it is gone. Raises EngineError."""
        pid = self._pid()
        if pid is None:
            return
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + GONE_S
        while _is_engine(pid):
            if time.monotonic() > deadline:
                raise EngineError(f"the engine (pid {pid}) did not end within {GONE_S:g} s: see {self.log}")
            time.sleep(0.05)

    def answers(self) -> bool:
        """Whether it replies on its socket."""
        connection = http.client.HTTPConnection("localhost", timeout=5)
        connection.sock = socket.socket(socket.AF_UNIX)
        try:
            connection.sock.settimeout(5)
            connection.sock.connect(str(self.socket))
            connection.request("GET", "/_ping")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _flags(self) -> list[str]:
        folders = ["--data-root", f"{self.folder}/data", "--exec-root", f"{self.folder}/exec"]
        return [*folders, "-p", str(self._pid_file), "-H", self.host, *_QUIET]

    def _await_answer(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + READY_S
        while not self.answers():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise EngineError(f"the engine did not start; the end of {self.log}:\n{self._last_words()}")
            time.sleep(0.1)

    def _last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-10:])

    def _pid(self) -> int | None:
        """Of the running engine; None if there is none."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            pid = int(self._pid_file.read_text())
            return pid if _is_engine(pid) else None
        return None


def _is_engine(pid: int) -> bool:
    """Whether that process is a dockerd that has not ended: numbers are used again."""
    try:
        name, _, rest = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return name == "dockerd" and rest.split()[0] != "Z"


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="docker_engine", description="A private Docker engine for tests.")
    parser.add_argument("command", choices=["start", "stop"])
    parser.add_argument("--dir", type=Path, required=True, help="where its socket, pid, log and data lie")
    wanted = parser.parse_args(argv)
    engine = Engine(wanted.dir)
    try:
        if wanted.command == "stop":
            engine.stop()
            return 0
        engine.start()
    except EngineError as error:
        print(error, file=sys.stderr)
        return 1
    print(engine.host)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
