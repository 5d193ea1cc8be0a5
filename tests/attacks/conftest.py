"""Real boxes for attacks: `run` takes Python code, runs it in a box, and gives back how it ended and what it said."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox import Backend, BoxSpec, Outcome
from sandbox.bubblewrap import BubblewrapBackend
from sandbox.capture import Capture
from sandbox.cgroups import owned_folders
from sandbox.interpreter import running_interpreter_mounts
from sandbox.proctree import descendants


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A box that ended."""

    outcome: Outcome
    out: str
    err: str

    @property
    def status(self) -> str:
        return self.outcome.status

    @property
    def ok(self) -> bool:
        return self.outcome.exit_code == 0


Run = Callable[..., Ended]


def run_box(backend: Backend, argv: list[str], **spec) -> Ended:
    spec = {"mounts": running_interpreter_mounts(), **spec}
    process = backend.prepare(BoxSpec(**spec)).start(argv)
    try:
        process.stdin.close()
        out = Capture(process.stdout, 64 * 1024)
        err = Capture(process.stderr, 64 * 1024)
        outcome = process.wait()
        return Ended(outcome=outcome, out=out.result(10).text, err=err.result(10).text)
    finally:
        process.close()


@pytest.fixture(scope="session")
def backend() -> Backend:
    """The strongest bookkeeping that this machine offers."""
    return BubblewrapBackend.open()


@pytest.fixture(scope="session", params=["auto", "proc"])
def any_backend(request) -> Backend:
    """Each attack on a limit runs twice: with cgroups, if there are any, and with the watchdog alone."""
    return BubblewrapBackend.open(request.param)


@pytest.fixture
def run(backend) -> Run:
    return lambda code, **spec: run_box(backend, [sys.executable, "-c", code], **spec)


@pytest.fixture
def run_limited(any_backend) -> Run:
    return lambda code, **spec: run_box(any_backend, [sys.executable, "-c", code], **spec)


@dataclass(frozen=True, kw_only=True)
class Footprint:
    """What this process and machine hold that a box could have left behind."""

    fds: frozenset[str]
    processes: frozenset[int]
    cgroups: frozenset[str]
    mounts: int


def footprint() -> Footprint:
    fds = set()
    for fd in Path("/proc/self/fd").iterdir():
        try:
            fds.add(f"{fd.name}:{fd.readlink()}")
        except FileNotFoundError:  # the listing's own descriptor
            continue
    ours = [folder for folder in owned_folders(Path("/sys/fs/cgroup")) if f"-{os.getpid()}-" in folder.name]
    return Footprint(
        fds=frozenset(fds),
        processes=frozenset(descendants(os.getpid())),
        cgroups=frozenset(str(path) for path in ours),
        mounts=Path("/proc/self/mountinfo").read_text().count("\n"),
    )


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """Fails the test if it leaves a descriptor, a process, a cgroup or a mount."""
    before = footprint()
    yield
    assert footprint() == before
