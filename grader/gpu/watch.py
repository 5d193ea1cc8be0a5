"""Holds a box to its share of the GPU's memory, which no cgroup bounds: looks from outside, and ends it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import BinaryIO

from grader.gpu.nvml import GpuMemory
from sandbox import MIB, Box, Outcome, Process

LOOK_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class VramExceeded(Outcome):
    """The end of a box that took more of the GPU's memory than its limit; `status` is memory_limit."""

    limit_mb: int


class VramWatch:
    """Looks at one box every 50 ms until `stop`. What it takes and gives back between two looks is not seen."""

    def __init__(self, box: Box, memory: GpuMemory, limit_mb: int | None) -> None:
        self._box = box
        self._memory = memory
        self._limit_mb = limit_mb
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vram-watch", daemon=True)
        self.peak_bytes = 0
        self.exceeded = False
        self.error: Exception | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns when it looks no more."""
        self._over.set()
        self._thread.join()

    def look(self) -> None:
        """Read once, and end the box if it has too much."""
        used = self._memory.by_process()
        now = sum(used.get(pid, 0) for pid in self._box.pids())
        self.peak_bytes = max(self.peak_bytes, now)
        if self._limit_mb is not None and now > self._limit_mb * MIB:
            self.exceeded = True
            self._box.kill()

    def judge(self, outcome: Outcome) -> Outcome:
        """How the box ended, with what was seen here."""
        plain = {field.name: getattr(outcome, field.name) for field in fields(Outcome)}
        if self.error is not None:
            return Outcome(
                **{**plain, "status": "box_error", "detail": f"its GPU memory was lost sight of: {self.error}"}
            )
        if not self.exceeded or self._limit_mb is None:
            return outcome
        detail = f"used more than {self._limit_mb} MiB of GPU memory"
        return VramExceeded(**{**plain, "status": "memory_limit", "detail": detail}, limit_mb=self._limit_mb)

    def _run(self) -> None:
        while not (self.exceeded or self._over.wait(LOOK_S)):
            try:
                self.look()
            except Exception as error:  # unwatched it must not run on
                self.error = error
                self._box.kill()
                return


class WatchedProcess:
    """A process whose end is the watch's to explain, too."""

    def __init__(self, process: Process, watch: VramWatch) -> None:
        self._process = process
        self._watch = watch
        self.stdin: BinaryIO = process.stdin
        self.stdout: BinaryIO = process.stdout
        self.stderr: BinaryIO = process.stderr
        self.control: socket.socket = process.control

    def wait(self) -> Outcome:
        outcome = self._process.wait()
        self._watch.stop()
        return self._watch.judge(outcome)

    def close(self) -> None:
        self._process.close()
        self._watch.stop()


class WatchedBox:
    """A box that is watched from its start."""

    def __init__(self, box: Box, memory: GpuMemory, limit_mb: int | None) -> None:
        self._box = box
        self._watch = VramWatch(box, memory, limit_mb)
        self.freeze = box.freeze
        self.thaw = box.thaw
        self.usage = box.usage
        self.pids = box.pids
        self.kill: Callable[[], None] = box.kill

    @property
    def peak_vram_bytes(self) -> int:
        return self._watch.peak_bytes

    def start(self, argv: Sequence[str]) -> WatchedProcess:
        """Raises as Box.start."""
        process = self._box.start(argv)
        self._watch.start()
        return WatchedProcess(process, self._watch)
