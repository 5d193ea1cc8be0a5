"""How long everything else in the box has used almost no CPU."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

_ALMOST_NONE = 0.05  # of one core
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_WORKING = {"R", "D"}  # runnable, be it without a core, or waiting for a disk


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Of all processes but this one: CPU seconds since each began, and whether one of them is at work just now."""

    cpu_s: float
    pids: frozenset[int]
    working: bool


class Idleness:
    """Adds up idle time over samples. Time in which we were stopped ourselves (a frozen box) counts as one interval."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._seen = time.monotonic()
        self._last = read()
        self._idle_s = 0.0

    def sample(self) -> float:
        """Seconds of idleness up to now, since the last work."""
        now, reading = time.monotonic(), read()
        passed = now - self._seen
        used = abs(reading.cpu_s - self._last.cpu_s)
        if reading.working or reading.pids != self._last.pids or used > 2 * _TICK_S + _ALMOST_NONE * passed:
            self._idle_s = 0.0
        else:
            self._idle_s += min(passed, 2 * self._interval_s)
        self._seen, self._last = now, reading
        return self._idle_s

    def restart(self) -> None:
        """There was progress that took no CPU."""
        self._idle_s = 0.0


def read() -> Reading:
    """Raises OSError where /proc cannot be listed."""
    ticks, pids, working = 0, set(), False
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        pids.add(int(folder.name))
        working = working or fields[0] in _WORKING
        ticks += int(fields[11]) + int(fields[12])
    return Reading(cpu_s=ticks * _TICK_S, pids=frozenset(pids), working=working)
