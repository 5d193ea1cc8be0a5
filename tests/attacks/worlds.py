"""The worlds in which every attack runs: each a way to make boxes, with the interpreter that runs in them."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import pytest

from sandbox import Backend, BoxSpec, Mount, Process
from sandbox.bubblewrap import BubblewrapBackend
from sandbox.capture import Capture
from sandbox.cgroups import owned_folders
from sandbox.interpreter import interpreter_mounts, lab_dir, running_interpreter_mounts
from sandbox.proctree import descendants
from sandbox.spares import fill_spares
from sandbox.spec import WarmStack
from tests.attacks.program import FOLDER, Program, Said, World
from tests.docker_engine import docker_or_skip

KIT = (FOLDER / "kit.py").read_bytes()
_MAIN = "import sys\n{check}import program\ngetattr(program, sys.argv[1])(*sys.argv[2:])\n"
# A cold box in a warm one's place would pass every attack and show nothing.
_IS_WARM = "if 'numpy' not in sys.modules: sys.exit('this box is not warm')\n"
_KEPT = 64 * 1024
_TEMPLATE_S = 90.0
# Any engine on this machine makes such mounts at any time; a box's container is asked for by name.
_ENGINES_MOUNT = re.compile(r"/overlay2/|/containers/|/netns/| - nsfs ")


@runtime_checkable
class Warming(Protocol):
    """A backend with templates."""

    def wait_ready(self, spec: BoxSpec, argv: Sequence[str], timeout_s: float) -> bool: ...

    def keep_only(self, spec: BoxSpec, argv: Sequence[str]) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Boxes:
    """Makes boxes of one world."""

    world: World
    backend: Backend
    python: str
    mounts: tuple[Mount, ...]
    warm: WarmStack = "none"

    def spec(self, **values: Any) -> BoxSpec:
        """This world's interpreter, and what the caller adds."""
        return BoxSpec(**{"mounts": self.mounts, "warm": self.warm, **values})

    def start(self, argv: Sequence[str], **values: Any) -> Process:
        """A started box; the caller closes it."""
        spec = self.spec(**values)
        self.wait_ready(spec, argv)
        return self.backend.prepare(spec).start(argv)

    def wait_ready(self, spec: BoxSpec, argv: Sequence[str]) -> None:
        """In the warm world, wait for a template; a box that has none starts cold, and the program says so."""
        if self.warm != "none":
            assert isinstance(self.backend, Warming)
            self.backend.wait_ready(spec, argv, _TEMPLATE_S)

    def settle(self, spec: BoxSpec, argv: Sequence[str]) -> None:
        """Of what a backend keeps for later boxes, leave only what such a box needs."""
        if self.warm != "none":
            assert isinstance(self.backend, Warming)
            assert self.backend.keep_only(spec, argv)

    def leave_nothing(
        self, within_s: float = 5.0, *, spec: BoxSpec | None = None, argv: Sequence[str] | None = None
    ) -> AbstractContextManager[None]:
        """As `leaves_nothing`, but for what this world's backend keeps ready, and its connections to an engine.

        `spec`, `argv`: the box that is run, if it is another than one of plain code.
        """
        kept = functools.partial(self.settle, spec or self.spec(), argv or [self.python, "-c", ""])
        return leaves_nothing(sockets=not self.world.startswith("docker"), within_s=within_s, settle=kept)

    def run(self, argv: Sequence[str], **values: Any) -> Said:
        """Run to the end, with an empty stdin and both output streams drained; and the control channel."""
        return ended(self.start(argv, **values))

    def code(self, text: str, **values: Any) -> Said:
        """Run Python code."""
        return self.run([self.python, "-c", text], **values)

    def start_program(self, program: Program, role: str, arguments: Sequence[str] = ()) -> Process:
        """Start one of the functions of an attack program."""
        main = _MAIN.format(check=_IS_WARM if self.warm != "none" else "")
        files = {"program.py": program.text.encode(), "kit.py": KIT, "main.py": main.encode()}
        return self.start([self.python, "/work/main.py", role, *arguments], files=files, **program.spec)

    def run_program(self, program: Program, role: str, arguments: Sequence[str] = ()) -> Said:
        """The same, to its end."""
        return ended(self.start_program(program, role, arguments))


def ended(process: Process) -> Said:
    """Drain what the program says until the box has ended."""
    try:
        process.stdin.close()
        out, err = Capture(process.stdout, _KEPT), Capture(process.stderr, _KEPT)
        control = Capture(process.control.makefile("rb"), _KEPT)  # type: ignore[arg-type]
        outcome = process.wait()
        control.result(10)
        return Said(outcome=outcome, out=out.result(10).text, err=err.result(10).text)
    finally:
        process.close()


def open_world(world: World) -> Boxes:
    """Skips the test, and says why, where this machine cannot make such boxes."""
    if world == "docker":
        return _docker()
    if world == "warm":
        return _warm(BubblewrapBackend.open(), world)
    if world == "docker_warm":
        return _warm(_docker().backend, world)
    backend = BubblewrapBackend.open("proc" if world == "watchdog" else "auto")
    return _with_own_python(world, backend)


def _with_own_python(world: World, backend: Backend) -> Boxes:
    return Boxes(world=world, backend=backend, python=sys.executable, mounts=running_interpreter_mounts())


def _docker() -> Boxes:
    return _with_own_python("docker", docker_or_skip())


def require_lab() -> Path:
    """The lab's interpreter. Skips the test where there is none."""
    python = lab_dir() / "bin" / "python"
    if not python.exists():
        pytest.skip(f"ATTACKS IN THE LAB'S BOXES NOT RUN: {lab_dir()} is not installed")
    return python


def _warm(backend: Backend, world: World) -> Boxes:
    python = require_lab()
    mounts = interpreter_mounts(lab_dir())
    return Boxes(world=world, backend=backend, python=str(python), mounts=mounts, warm="science")


@dataclass(frozen=True, kw_only=True)
class Footprint:
    """How much of each kind this process and machine hold that a box could have left behind."""

    descriptors: int
    threads: int
    processes: int
    cgroups: int
    mounts: int

    def exceeds(self, before: Footprint) -> bool:
        return any(
            getattr(self, name) > getattr(before, name)
            for name in ("descriptors", "threads", "processes", "cgroups", "mounts")
        )


def footprint(*, sockets: bool = True) -> Footprint:
    """Counts, not names: a backend keeps helpers of its own, and replaces them now and then."""
    fill_spares()
    ours = [folder for folder in owned_folders(Path("/sys/fs/cgroup")) if f"-{os.getpid()}-" in folder.name]
    return Footprint(
        descriptors=sum(sockets or not target.startswith("socket:") for target in _descriptors()),
        threads=threading.active_count(),
        processes=len(descendants(os.getpid())),
        cgroups=sum(1 for folder in ours for _ in os.walk(folder)),
        mounts=sum(not _ENGINES_MOUNT.search(line) for line in Path("/proc/self/mountinfo").read_text().splitlines()),
    )


def _descriptors() -> Iterator[str]:
    for fd in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the listing's own
            yield str(fd.readlink())


@contextmanager
def leaves_nothing(
    *, sockets: bool = True, within_s: float = 5.0, settle: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Fails the test if the body leaves a descriptor, a thread, a process, a cgroup or a mount.

    `sockets`: False where a pool of connections to an engine grows on its own. `settle`: lets the backend's own helpers
    come to rest before each count.
    """
    settle()
    before = footprint(sockets=sockets)
    yield
    settle()
    deadline = time.monotonic() + within_s
    while (after := footprint(sockets=sockets)).exceeds(before) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not after.exceeds(before), f"left behind: before {before}, after {after}"
