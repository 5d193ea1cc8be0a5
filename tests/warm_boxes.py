"""Warm boxes for tests: a keeper of its own whose stacks import little, and the same program cold beside it."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.bubblewrap import BubblewrapBackend, template_host
from sandbox.capture import Capture
from sandbox.interpreter import interpreter_mounts
from sandbox.launching import Launcher
from sandbox.leases import Place
from sandbox.spec import BoxSpec, Outcome, WarmStack
from sandbox.streams import RunningProcess, Streams
from sandbox.warm.keeper import WarmKeeper

LITTLE: Mapping[WarmStack, Sequence[str]] = {
    "science": ("json", "logging", "ssl", "tempfile", "uuid", "random", "multiprocessing.util", "concurrent.futures")
}
READY_S = 60.0
_KEPT = 256 * 1024
_ADDRESS = re.compile(r"0x[0-9a-f]{6,}")


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A box that ended."""

    outcome: Outcome
    out: str
    err: str

    @property
    def seen(self) -> tuple[object, ...]:
        """What a learner can tell two runs apart by, but for addresses."""
        said = (_ADDRESS.sub("0x…", text) for text in (self.out, self.err))
        return (self.outcome.status, self.outcome.exit_code, self.outcome.signal, *said)


class WarmBoxes:
    """Runs programs on one interpreter, warm or cold."""

    def __init__(self, venv: Path, stack: WarmStack, stacks: Mapping[WarmStack, Sequence[str]] | None = None) -> None:
        self.backend = BubblewrapBackend.open()
        self.keeper = WarmKeeper(template_host(Launcher(self.backend._machine)), stacks)
        self.python = str(venv / "bin" / "python")
        self.stack = stack
        self.mounts = interpreter_mounts(venv)

    def spec(self, **values: Any) -> BoxSpec:
        return BoxSpec(**{"mounts": self.mounts, "warm": self.stack, "wall_s": 60.0, **values})

    def start(self, argv: Sequence[str], stdin: bytes = b"", **values: Any) -> RunningProcess:
        """A started warm box; fails the test if it would start cold."""
        spec, full = self.spec(**values), [self.python, *argv]
        assert self.keeper.wait_ready(spec, full, READY_S), self.keeper.status()
        streams = Streams()
        try:
            cpus = spec.cpus or os.sched_getaffinity(0)
            monitor = self.keeper.start(spec, full, streams.theirs, Place(None, cpus))
        finally:
            streams.close_theirs()
        assert monitor is not None, self.keeper.status()
        return _fed(RunningProcess(streams, monitor), stdin)

    def warm(self, argv: Sequence[str], stdin: bytes = b"", **values: Any) -> Ended:
        return _drain(self.start(argv, stdin, **values))

    def cold(self, argv: Sequence[str], stdin: bytes = b"", **values: Any) -> Ended:
        spec = self.spec(**{**values, "warm": "none"})
        return _drain(_fed(self.backend.prepare(spec).start([self.python, *argv]), stdin))

    def close(self) -> None:
        self.keeper.close()


def little_boxes() -> WarmBoxes:
    """On the interpreter of the tests, with a stack that imports in a moment."""
    return WarmBoxes(Path(sys.executable).parent.parent, "science", LITTLE)


def _fed(process: RunningProcess, stdin: bytes) -> RunningProcess:
    with contextlib.suppress(BrokenPipeError):  # it ended first
        process.stdin.write(stdin)
    process.stdin.close()
    return process


def _drain(process: RunningProcess) -> Ended:
    try:
        out, err = Capture(process.stdout, _KEPT), Capture(process.stderr, _KEPT)
        outcome = process.wait()
        return Ended(outcome=outcome, out=out.result(10).text, err=err.result(10).text)
    finally:
        process.close()
