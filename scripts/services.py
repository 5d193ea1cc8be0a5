"""A private PostgreSQL and Redis in one folder, for tests: `services.py start|stop --dir D`, `services.py run -- argv`.

Both listen on Unix sockets only. `start` prints the two settings that point the site at them; `run` starts both in a
temporary folder, runs a program with these settings, and stops both. PostgreSQL refuses to run as root: started by
root it becomes the user `postgres`. Needs Debian's postgresql and redis-server. Standard library only.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

READY_S = 60.0
GONE_S = 30.0
INSTALL = "run `apt-get install --no-install-recommends postgresql redis-server`"
# What a test loses in a power cut can be made again.
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "listen_addresses=")


class ServiceError(Exception):
    """The services cannot be had; the message says what to do."""


def program(name: str) -> str:
    """Raises ServiceError. Debian keeps PostgreSQL's server programs off the path."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *map(str, folders)]))
    if found is None:
        raise ServiceError(f"{name} is missing: {INSTALL}")
    return found


class Services:
    """The two servers of one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._data = self.folder / "pg"
        self._password = self.folder / "password"
        self._log = self.folder / "log"

    def environment(self) -> dict[str, str]:
        """What the site must be given."""
        password = self._password.read_text()
        return {
            "RANKZERO_DATABASE_URL": f"postgresql://rankzero:{password}@/rankzero?host={self.folder}",
            "RANKZERO_REDIS_URL": f"unix://{self.folder}/redis.sock",
        }

    def start(self) -> None:
        """Return once both answer. Raises ServiceError; then nothing is left running."""
        self.folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        try:
            self._start_postgres()
            self._start_redis()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End both and wait until they are gone. Safe to call twice. Raises ServiceError."""
        end(self.folder / "redis.pid", "redis-server", signal.SIGTERM)
        end(self._data / "postmaster.pid", "postgres", signal.SIGINT)  # its quick stop: open sessions are ended

    def _start_postgres(self) -> None:
        if pid_of(self._data / "postmaster.pid", "postgres") is not None:
            return
        if not self._data.exists():
            self._make_cluster()
        settings = [f"-cunix_socket_directories={self.folder}", *(f"-c{each}" for each in QUICK)]
        process = self._spawn([program("postgres"), "-D", str(self._data), *settings])
        await_answer(process, self.folder / ".s.PGSQL.5432", self._log)
        self._make_database()

    def _make_cluster(self) -> None:
        self._password.touch(mode=0o600)
        self._password.write_text(secrets.token_hex(16))
        self._data.mkdir(mode=0o700)
        if os.getuid() == 0:
            for path in (self.folder, self._data, self._password):
                shutil.chown(path, "postgres", "postgres")
        self._call([program("initdb"), "-D", str(self._data), "-U", "rankzero", "--auth=scram-sha-256",
                    f"--pwfile={self._password}", "--encoding=UTF8", "--no-sync"])  # fmt: skip

    def _make_database(self) -> None:
        argv = [program("psql"), "-h", str(self.folder), "-U", "rankzero", "-d", "postgres", "-tAc"]
        if self._call([*argv, "SELECT count(*) FROM pg_database WHERE datname = 'rankzero'"]).strip() == "0":
            self._call([*argv, "CREATE DATABASE rankzero"])

    def _start_redis(self) -> None:
        if pid_of(self.folder / "redis.pid", "redis-server") is not None:
            return
        process = self._spawn(
            [program("redis-server"), "--port", "0", "--unixsocket", f"{self.folder}/redis.sock",
             "--pidfile", f"{self.folder}/redis.pid", "--daemonize", "no", "--save", "", "--dir", str(self.folder)]
        )  # fmt: skip
        await_answer(process, self.folder / "redis.sock", self._log)

    def _spawn(self, argv: Sequence[str]) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/", **identity()
            )

    def _call(self, argv: Sequence[str]) -> str:
        env = {**os.environ, "PGPASSWORD": self._password.read_text()}
        done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd="/", env=env, **identity())
        if done.returncode != 0:
            raise ServiceError(f"{Path(argv[0]).name} failed: {done.stderr.strip()[-500:]}")
        return str(done.stdout)


def identity() -> dict[str, Any]:
    """Whom root's servers run as, in subprocess's words; nothing for anyone else."""
    if os.getuid() != 0:
        return {}
    try:
        user = pwd.getpwnam("postgres")
    except KeyError as error:
        raise ServiceError(f"there is no user postgres: {INSTALL}") from error
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def await_answer(process: subprocess.Popen[bytes], path: Path, log: Path) -> None:
    """Until something listens on the socket. Raises ServiceError with the log's end."""
    deadline = time.monotonic() + READY_S
    while not listens(path):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            words = "\n".join(log.read_text(errors="replace").splitlines()[-10:])
            raise ServiceError(f"{path.name}: the server did not start; the end of {log}:\n{words}")
        time.sleep(0.05)


def listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def pid_of(file: Path, name: str) -> int | None:
    """Of the running server that wrote the file; None if it ended: numbers are used again."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, ValueError, IndexError):
        pid = int(file.read_text().split()[0])
        found, _, rest = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
        return pid if found == name and rest.split()[0] != "Z" else None
    return None


def end(file: Path, name: str, number: signal.Signals) -> None:
    pid = pid_of(file, name)
    if pid is None:
        return
    os.kill(pid, number)
    deadline = time.monotonic() + GONE_S
    while pid_of(file, name) == pid:
        if time.monotonic() > deadline:
            raise ServiceError(f"{name} (pid {pid}) did not end within {GONE_S:g} s")
        time.sleep(0.05)


@contextlib.contextmanager
def private_services() -> Iterator[Services]:
    """Both, for the time of the context, in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="rz-services-") as folder:
        services = Services(Path(folder))
        Path(folder).chmod(0o711)
        services.start()
        try:
            yield services
        finally:
            services.stop()


def run(argv: Sequence[str]) -> int:
    """Run a program against private services. Where none are installed it is left out, unless they are required."""
    try:
        for name in ("initdb", "postgres", "redis-server"):
            program(name)
    except ServiceError as error:
        required = os.environ.get("RANKZERO_REQUIRE_POSTGRES") == "1"
        print(f"{'FAILED' if required else 'left out'}: {error}", file=sys.stderr)
        return int(required)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))  # else the servers would outlive us
    with private_services() as services:
        env = {**os.environ, **services.environment(), "RZ_REDIS_SERVER": program("redis-server")}
        return subprocess.run(argv, env=env, check=False).returncode


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="services", description="A private PostgreSQL and Redis for tests.")
    parser.add_argument("command", choices=["start", "stop", "run"])
    parser.add_argument("--dir", type=Path, help="of start and stop: where sockets, log and data lie")
    cut = argv.index("--") if "--" in argv else len(argv)
    wanted, command = parser.parse_args(argv[:cut]), argv[cut + 1 :]
    if not command if wanted.command == "run" else wanted.dir is None:
        parser.error("start and stop want --dir; run wants -- and a program")
    try:
        return act(wanted.command, wanted.dir, command)
    except ServiceError as error:
        print(error, file=sys.stderr)
        return 1


def act(command: str, folder: Path, argv: Sequence[str]) -> int:
    if command == "run":
        return run(argv)
    services = Services(folder)
    if command == "stop":
        services.stop()
        return 0
    services.start()
    for name, value in services.environment().items():
        print(f"{name}={value}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
