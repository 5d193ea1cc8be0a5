"""Installs the lab (.venv-lab and the assets) while the site is already up, and tells how far it is.

`python -m webapp.config.lab` does it in the foreground. Standard library only. Progress goes to standard output and to
`<state>/lab.json`, which pages read through `lab_state()`.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from webapp.config.paths import ROOT, lab_dir, state_dir

NEEDED_BYTES = {"cpu": 5 * 1024**3, "cuda": 14 * 1024**3}
TICK_S = 4.0
PIP_SHARE = 0.85  # of the whole installation's time; the rest converts models


class LabError(Exception):
    """The lab cannot be installed; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabState:
    """`state` is missing, installing, ready or failed; `done` is a share from 0 to 1."""

    state: str
    text: str
    done: float = 0.0


def state_file() -> Path:
    return state_dir() / "lab.json"


def lab_state() -> LabState:
    """What pages may say about the lab now. Never raises for a missing or half-written file."""
    try:
        raw = json.loads(state_file().read_text())
        state = LabState(state=str(raw["state"]), text=str(raw["text"]), done=float(raw["done"]))
    except (OSError, ValueError, KeyError, TypeError):
        return LabState(state="missing", text="The lab is not installed yet.")
    if state.state == "ready" and not is_current():
        return LabState(state="missing", text="The lab must be brought up to date: restart the worker.")
    return state


def write_state(state: LabState) -> None:
    partial = state_file().with_suffix(".partial")
    partial.write_text(json.dumps(asdict(state)))
    partial.replace(state_file())


def flavour() -> str:
    """cpu or cuda: RANKZERO_TORCH decides, else whether an NVIDIA driver answers here."""
    chosen = os.environ.get("RANKZERO_TORCH", "").strip().lower()
    if chosen in NEEDED_BYTES:
        return chosen
    if chosen:
        raise LabError(f"RANKZERO_TORCH is {chosen!r}; use cpu or cuda")
    return "cuda" if has_driver() else "cpu"


def has_driver() -> bool:
    """Whether an NVIDIA driver answers here."""
    return Path("/dev/nvidiactl").exists() and shutil.which("nvidia-smi") is not None


def default_tiers() -> str:
    """The tiers of an installation on this machine alone, where nobody names others."""
    without_cuda = os.environ.get("RANKZERO_TORCH", "").strip().lower() == "cpu"
    return "smoke,cpu,gpu" if has_driver() and not without_cuda else "smoke,cpu"


def locks() -> tuple[Path, Path]:
    folder = ROOT / "requirements"
    return folder / f"lab-{flavour()}.txt", folder / "lab-data.txt"


def lab_key() -> str:
    """What the installed lab depends on: the locks, the assets' list and the interpreter."""
    paths = (*locks(), ROOT / "lessons" / "assets.toml")
    return hashed(os.environ.get("RANKZERO_TORCH_INDEX", ""), *(FileVersion.of(path) for path in paths))


@dataclass(frozen=True, slots=True)
class FileVersion:
    """A file as the key of a cache: every page asks for the lab's state, and hashing the locks took longest of it."""

    path: Path
    size: int
    changed_ns: int

    @classmethod
    def of(cls, path: Path) -> FileVersion:
        try:
            status = path.stat()
        except OSError:
            return cls(path, -1, 0)
        return cls(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=8)
def hashed(index: str, *files: FileVersion) -> str:
    total = hashlib.sha256(f"{sys.version}|{index}".encode())
    for file in files:
        total.update(file.path.read_bytes() if file.path.is_file() else b"")
    return total.hexdigest()


def stamp() -> Path:
    return lab_dir() / "rankzero.stamp"


def is_current() -> bool:
    return stamp().is_file() and stamp().read_text() == lab_key()


def run(argv: Sequence[str], on_line: Callable[[str], None]) -> None:
    """Run a command, hand over each line of its output; raises LabError with its last lines if it fails."""
    tail: list[str] = []
    with subprocess.Popen(
        argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            tail = [*tail[-9:], line.rstrip()]
            on_line(line.rstrip())
    if process.returncode != 0:
        raise LabError("The lab could not be installed: " + " / ".join(tail[-4:]))


class Progress:
    """Turns pip's lines into a share. While a command is silent, a ticker says every few seconds for how long."""

    def __init__(self, total: int) -> None:
        self.total, self.seen, self.printed = total, 0, 0.0
        self.text, self.done, self.began = "", 0.0, time.monotonic()

    def pip_line(self, line: str) -> None:
        if re.match(r"(Collecting|Requirement already satisfied:) ", line):
            self.seen = min(self.seen + 1, self.total)
        what = "unpacking" if line.startswith("Installing collected") else f"{self.seen} of"
        self.say(f"Installing the lab: {what} {self.total} packages", PIP_SHARE * self.seen / self.total)

    def asset_line(self, line: str) -> None:
        if not line.endswith(": ready"):  # nothing to do is no news
            self.say(line, PIP_SHARE + 0.05)

    def say(self, text: str, done: float) -> None:
        self.text, self.done = text, done
        self.tick()

    def tick(self) -> None:
        now = time.monotonic()
        if self.text and now - self.printed > TICK_S:
            self.printed = now
            text = f"{self.text}, {now - self.began:.0f} s"
            write_state(LabState(state="installing", text=text, done=round(self.done, 3)))
            print(f"lab: {text}", flush=True)

    @contextmanager
    def ticking(self) -> Iterator[Progress]:
        stop = threading.Event()

        def tick_on() -> None:
            while not stop.wait(TICK_S):
                self.tick()

        thread = threading.Thread(target=tick_on, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            stop.set()
            thread.join()


def pip_argv(python: Path, lock: Path, *extra: str) -> list[str]:
    index = os.environ.get("RANKZERO_TORCH_INDEX")
    more = ["--extra-index-url", index] if index else []
    return [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off",
            *more, *extra, "-r", str(lock)]  # fmt: skip


def need_space() -> None:
    wanted, free = NEEDED_BYTES[flavour()], shutil.disk_usage(ROOT).free
    if free < wanted:
        raise LabError(
            f"The lab needs {wanted / 1024**3:.0f} GiB and {ROOT} has {free / 1024**3:.1f} GiB free. "
            "Free some space, then start again."
        )


def install() -> None:
    """Make .venv-lab as the locks say and build the assets. Raises LabError; a second call goes on where it stopped."""
    if not stamp().is_file():
        need_space()  # an interrupted or first installation; an update needs little
    python = lab_dir() / "bin" / "python"
    lock, data = locks()
    with Progress(len(lock.read_text().splitlines())).ticking() as progress:
        progress.say(f"Installing the lab ({flavour()} build of PyTorch)", 0.0)
        if not python.exists():
            run([sys.executable, "-m", "venv", str(lab_dir())], lambda line: None)
        run(pip_argv(python, lock), progress.pip_line)
        run(pip_argv(python, data, "--no-deps"), lambda line: None)
    stamp().write_text(lab_key())


def build_assets() -> None:
    """The models that exercises name; takes a fraction of a second when they are there. Raises LabError."""
    python = lab_dir() / "bin" / "python"
    build = "import sys; from grader.assets import main; sys.exit(main(['build', '--all']))"
    with Progress(1).ticking() as progress:
        run([str(python), "-c", build], progress.asset_line)


@contextmanager
def only_one() -> Iterator[None]:
    """One installation at a time on a machine; a second one waits and then finds the work done."""
    with (state_dir() / "lab.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def ensure() -> None:
    """Install the lab unless it is current; the state file tells the pages, whatever happens."""
    try:
        with only_one():
            if not is_current():
                install()
            build_assets()
            write_state(LabState(state="ready", text="The lab is ready.", done=1.0))
    except (LabError, OSError) as error:
        write_state(LabState(state="failed", text=str(error)))
        raise LabError(str(error)) from error


def main() -> int:
    try:
        ensure()
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 2
    print("lab: ready", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
