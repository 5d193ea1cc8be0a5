"""A private site for the time of a bench: `manage.py up` on a free port, with a state folder of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.bench_grade.steadiness import CannotMeasure
from webapp.config.paths import ROOT, boxd_socket, state_dir
from webapp.config.tree import die_with_parent

LESSONS = ROOT / "grader" / "bench_grade" / "lessons"
LESSON, SLUG = "90_steadiness", "nothing"
_READY_S = 120.0
_STOP_S = 30.0
_TAIL = 3_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchSite:
    """A site that answers. `environment`: what makes another process of ours one of this site's."""

    port: int
    environment: Mapping[str, str]
    log: Path

    def ask(self, module: str, *arguments: str, given: str = "") -> Any:
        """The JSON that `python -m <module>` prints as a process of this site. Raises CannotMeasure.

        It reads what is `given` from its standard input.
        """
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT, env=self.environment, input=given, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise CannotMeasure(f"{module} failed: {done.stderr[-_TAIL:]}")
        return json.loads(done.stdout)

    @contextlib.contextmanager
    def joined(self) -> Iterator[None]:
        """This process asks the site's boxd for its boxes, for the time of the context."""
        before = dict(os.environ)
        os.environ["RANKZERO_STATE"] = self.environment["RANKZERO_STATE"]
        os.environ["RANKZERO_BOXD"] = str(boxd_socket())
        try:
            yield
        finally:
            for name in ("RANKZERO_STATE", "RANKZERO_BOXD"):
                os.environ.pop(name)
                if name in before:
                    os.environ[name] = before[name]


@contextlib.contextmanager
def bench_site(settings: str = "webapp.config.settings") -> Iterator[BenchSite]:
    """Start one and give it once it answers; all of it is gone with the context. Raises CannotMeasure."""
    with tempfile.TemporaryDirectory(prefix="rankzero-bench-", ignore_cleanup_errors=True) as folder:
        state = Path(folder)
        _share_assets(state)
        site = BenchSite(port=_free_port(), environment=_environment(state, settings), log=state / "up.log")
        command = [sys.executable, "manage.py", "up", "--port", str(site.port)]
        with site.log.open("wb") as log, _started(command, site, log) as process:
            _await_ready(process, site)
            yield site


@contextlib.contextmanager
def _started(command: Sequence[str], site: BenchSite, log: Any) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command, cwd=ROOT, env=site.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        start_new_session=True, preexec_fn=die_with_parent,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()  # its parts end with it
            process.wait()


def _await_ready(process: subprocess.Popen[bytes], site: BenchSite) -> None:
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, OSError):
            address = f"http://127.0.0.1:{site.port}/readyz"
            with urllib.request.urlopen(address, timeout=2):
                return
        time.sleep(0.1)
    raise CannotMeasure(f"the site did not start; it said: {site.log.read_text(errors='replace')[-_TAIL:]}")


def _environment(state: Path, settings: str) -> dict[str, str]:
    """Of this installation only where its lab lies: the bench's data goes into no database but its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RANKZERO_")}
    ours = {name: os.environ[name] for name in ("RANKZERO_LAB", "RANKZERO_TORCH") if name in os.environ}
    return {
        **kept,
        **ours,
        "RANKZERO_STATE": str(state),
        "RANKZERO_LESSONS": str(LESSONS),
        "RANKZERO_TIERS": "smoke,cpu",
        "DJANGO_SETTINGS_MODULE": settings,
    }


def _share_assets(state: Path) -> None:
    """Models are built once an installation, not once a bench."""
    built = state_dir() / "assets"
    built.mkdir(exist_ok=True)
    (state / "assets").symlink_to(built.resolve())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
