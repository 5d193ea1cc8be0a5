"""A box of this process, whichever way it is made: used once, watched by a monitor."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sandbox.errors import BoxStartError
from sandbox.leases import Place, take_place
from sandbox.monitor import Monitor
from sandbox.spec import BoxSpec, Usage, UsageSource
from sandbox.streams import RunningProcess, Streams

# Runs argv on descriptors (0, 1, 2, control) and cores; the monitor then owns the place. Raises BoxStartError.
StartAt = Callable[[Place, Sequence[str], Sequence[int]], Monitor]


class OwnBox:
    """What every kind of box has in common; `start_at` is what a backend does its own way."""

    def __init__(self, spec: BoxSpec, source: UsageSource, start_at: StartAt) -> None:
        self._spec = spec
        self._start_at = start_at
        self._source: UsageSource = source
        self._used = False
        self._monitor: Monitor | None = None

    def start(self, argv: Sequence[str]) -> RunningProcess:
        """Run the program; the streams are pipes of ours."""
        streams = Streams()
        try:
            monitor = self.start_with(argv, streams.theirs)
        except BaseException:
            streams.close_ours()
            raise
        finally:
            streams.close_theirs()
        return RunningProcess(streams, monitor)

    def start_with(self, argv: Sequence[str], fds: Sequence[int], place: Place | None = None) -> Monitor:
        """Run the program on given stdin, stdout, stderr and control descriptors, which stay the caller's to close.

        `place`: taken from this process's book for this box, which gives it back; without, the box takes one itself.
        """
        if self._used:
            raise RuntimeError("a box is used once: prepare another")
        if not argv or any("\0" in word for word in argv):
            raise BoxStartError("argv needs a program, and no NUL in any word")
        self._used = True
        place = place or take_place(self._spec.cpus)
        try:
            self._monitor = self._start_at(place, argv, fds)
        except BaseException:
            place.leave()
            raise
        return self._monitor

    def usage(self) -> Usage:
        if self._monitor is None:
            return Usage(wall_s=0.0, cpu_s=0.0, peak_memory_bytes=0, source=self._source)
        return self._monitor.usage()

    def kill(self) -> None:
        if self._monitor is not None:
            self._monitor.kill()

    def freeze(self) -> None:
        if self._monitor is not None:
            self._monitor.freeze()

    def thaw(self) -> None:
        if self._monitor is not None:
            self._monitor.thaw()

    def pids(self) -> list[int]:
        return [] if self._monitor is None else self._monitor.pids()
