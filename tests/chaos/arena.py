"""The site that everything happens to, and what can be done to its parts."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import UUID

import psutil
import redis
from typing_extensions import override

from sandbox.boxd.client import boxd_status
from tests.chaos import truth
from tests.chaos.crowd import Crowd, Flow, Learner
from tests.chaos.watcher import Watcher
from tests.site_process import ROOT, Site

LESSONS = (ROOT / "grader" / "bench_grade" / "lessons", ROOT / "tests" / "chaos" / "lessons")
# What the command line of a part has, and of no other part.
WORDS = {"valkey": "valkey-server", "boxd": "sandbox.boxd", "web": "uvicorn", "beat": "beat", "worker": "smoke"}
LEASE_S = 6
SETTLE_S = 240.0
LEARNERS = 20
SCRATCH_MB = 256


class Arena(Site):
    """A site with short leases and a folder for temporary files of its own."""

    def __init__(self, state: Path) -> None:
        self.scratch = Path(tempfile.mkdtemp(prefix="rzc-", dir="/tmp"))  # pytest's folders are too deep for sockets
        self.mounted = os.geteuid() == 0 and mount(self.scratch)
        env = {
            "TMPDIR": str(self.scratch),
            "RANKZERO_LESSONS": ":".join(map(str, LESSONS)),
            "RANKZERO_TIERS": "smoke,cpu",
            "RANKZERO_LEASE_S": str(LEASE_S),
            "RANKZERO_HEARTBEAT_S": "2",
            "RANKZERO_SWEEP_S": "2",
        }
        super().__init__(state, env=env)
        self.boxds: set[int] = set()
        self.promised: list[str] = []

    @override
    def start(self, timeout_s: float = 90) -> float:
        took = super().start(timeout_s)
        truth.audit(self.state)
        return took

    def remove(self) -> None:
        if self.mounted:
            subprocess.run(["umount", "--lazy", str(self.scratch)], check=True)
        shutil.rmtree(self.scratch, ignore_errors=True)

    def crowd(self) -> Crowd:
        argv = [sys.executable, "-m", "webapp.submissions.bench_queue.people", str(LEARNERS)]
        done = subprocess.run(argv, cwd=ROOT, env=self.django_env(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return Crowd(self, json.loads(done.stdout))

    def manage(self, *words: str) -> str:
        """One of the site's own commands, as an operator types it."""
        argv = [sys.executable, "manage.py", *words]
        done = subprocess.run(argv, cwd=ROOT, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def django_env(self) -> dict[str, str]:
        return {**self.env, "DJANGO_SETTINGS_MODULE": "webapp.config.settings"}

    def socket(self, name: str) -> Path:
        folder = next(self.scratch.glob(f"rankzero-{os.getuid()}-*"))
        return folder / f"{name}.sock"

    def part(self, name: str) -> psutil.Process:
        """The first process of a part; waits for one that is being started again."""
        assert self.process is not None
        found: list[psutil.Process] = []

        def look() -> bool:
            found[:] = [child for child in psutil.Process(self.pid).children() if is_part(child, name)]
            return bool(found)

        self.await_true(look, 30, f"there is no {name}")
        return found[0]

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def kill(self, name: str) -> None:
        """`kill -9` of the part's first process. Returns when it is gone."""
        part = self.part(name)
        if name == "boxd":
            self.boxds.add(part.pid)
        part.kill()
        part.wait(10)

    def caught(self) -> psutil.Process:
        """A process of the worker's pool, stopped by SIGSTOP in the middle of a run that it holds."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for child in pool_of(self.part("worker")):
                child.suspend()
                time.sleep(0.05)
                if self.held_by(child.pid):
                    return child
                child.resume()
            time.sleep(0.02)
        raise AssertionError("no run was caught")

    def held_by(self, pid: int) -> str:
        """The run that the process holds; "" for none."""
        rows = self.sql("SELECT id FROM submissions_run WHERE status = 'running' AND worker LIKE ?", f"%:{pid}:%")
        return str(UUID(str(rows[0][0]))) if rows else ""

    def owner(self, crowd: Crowd, run: str) -> Learner:
        """Who sent it, and may watch it: in the order in which they were made."""
        learners = self.sql("SELECT id FROM accounts_user WHERE username LIKE 'bench%' ORDER BY id")
        sender = self.sql("SELECT learner_id FROM submissions_run WHERE id = ?", run.replace("-", ""))[0]
        return crowd.learners[learners.index(sender)]

    def holds_run(self, run: str) -> bool:
        """Whether anybody executes it now."""
        return bool(self.sql("SELECT 1 FROM submissions_run WHERE status = 'running' AND id = ?", run.replace("-", "")))

    def sql(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        with closing(truth.database(self.state)) as connection:
            return connection.execute(statement, values).fetchall()

    def await_true(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"{what}; the site said:\n{self.output()[-4000:]}"
            time.sleep(0.1)

    def settle(self) -> list[truth.RunRow]:
        """All runs, once none is open."""
        self.await_true(lambda: not truth.open_runs(truth.read_runs(self.state)), SETTLE_S, "runs never ended")
        return truth.read_runs(self.state)

    def check(self, flow: Flow, watchers: Sequence[Watcher] = ()) -> list[truth.RunRow]:
        """Wait until all is over, then hold everything against the truth. Returns this flow's runs."""
        self.promised += flow.promised
        rows = self.settle()
        verdicts = {row.id: row.verdict for row in rows}
        faults = truth.run_faults(rows, self.promised)
        for watcher in watchers:
            faults += watcher.faults(verdicts[watcher.run_id])
        faults += self.await_clean()
        assert not faults, "\n".join([*faults, "The site said:", self.output()[-6000:]])
        return [row for row in rows if row.id in set(flow.promised)]

    def await_clean(self, seconds: float = 20) -> list[str]:
        """What is left although nothing runs, after some time for ending it."""
        deadline = time.monotonic() + seconds
        while (left := self.left()) and time.monotonic() < deadline:
            time.sleep(0.2)
        return left

    def left(self) -> list[str]:
        self.await_true(lambda: self.answers("/readyz"), 60, "the site is not ready")
        return [
            *truth.box_faults(boxd_status(str(self.socket("boxd")))),
            *truth.cgroup_faults(self.boxds),
            *truth.folder_faults(self.scratch),
            *truth.process_faults(self.descendants(), self.pid),
        ]

    @contextmanager
    def locked_database(self) -> Iterator[None]:
        """Nobody else can write while the context is open."""
        with closing(truth.database(self.state)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            yield
            connection.execute("ROLLBACK")

    @contextmanager
    def full_scratch(self) -> Iterator[None]:
        """Neither a byte nor a file fits into the folder for temporary files while the context is open."""
        ballast = self.scratch / "ballast"
        ballast.mkdir()
        try:
            fill(ballast)
            yield
        finally:
            shutil.rmtree(ballast)

    @contextmanager
    def broker(self) -> Iterator[redis.Redis]:
        with redis.Redis(unix_socket_path=str(self.socket("valkey"))) as client:
            yield client

    def shift_clock(self, seconds: int) -> None:
        """As if all clocks had jumped by that much: every time that was written lies so much farther back."""
        columns = [
            ("submissions_run", ("created_at", "queued_at", "claimed_at", "started_at", "lease_expires_at")),
            ("submissions_worker", ("started_at", "seen_at")),
        ]
        for table, names in columns:
            changes = ", ".join(f"{name} = strftime('%Y-%m-%d %H:%M:%f', {name}, ?)" for name in names)
            self.sql(f"UPDATE {table} SET {changes}", *[f"{-seconds} seconds"] * len(names))


def mount(folder: Path) -> bool:
    """A small disk of its own there; False where this machine does not let us."""
    options = f"size={SCRATCH_MB}m,nr_inodes=4000,mode=700"
    argv = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def fill(folder: Path) -> None:
    with contextlib.suppress(OSError), (folder / "bytes").open("wb") as file:
        while True:
            file.write(bytes(65_536))
            file.flush()
    with contextlib.suppress(OSError):
        for number in itertools.count():
            (folder / str(number)).touch()


def is_part(process: psutil.Process, name: str) -> bool:
    try:
        return any(WORDS[name] in word for word in process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def pool_of(worker: psutil.Process) -> list[psutil.Process]:
    """Forked from the worker, so of the same command line; a judge is not."""
    try:
        return [child for child in worker.children() if child.cmdline() == worker.cmdline()]
    except psutil.NoSuchProcess:
        return []


def signal_all(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        process.send_signal(number)
