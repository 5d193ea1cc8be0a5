"""Stops every process of a box at one moment, and lets them go on."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from sandbox.errors import BoxStartError

FREEZE_S = 2.0
STOPPED = "SIGSTOP to every process, until none is found running"
_PAUSE_S = 0.001


class Freezer(Protocol):
    """One box's. Used under a lock of the monitor's."""

    def freeze(self) -> None:
        """Returns when no process of the box can run. Raises BoxStartError."""
        ...

    def hold(self) -> None:
        """Called now and then while frozen: stop again what has come to life."""
        ...

    def thaw(self) -> None: ...


class GroupFreezer:
    """The kernel freezes the group as a whole: v2's `cgroup.freeze`, or v1's freezer hierarchy."""

    def __init__(self, switch: Path, *, on: str, off: str, report: Path, frozen: str) -> None:
        """`switch` takes `on` and `off`; the group is frozen once `report` has the line `frozen`."""
        self._switch = switch
        self._on = on
        self._off = off
        self._report = report
        self._frozen = frozen

    @classmethod
    def v2(cls, folder: Path) -> GroupFreezer:
        return cls(folder / "cgroup.freeze", on="1", off="0", report=folder / "cgroup.events", frozen="frozen 1")

    @classmethod
    def v1(cls, folder: Path) -> GroupFreezer:
        state = folder / "freezer.state"
        return cls(state, on="FROZEN", off="THAWED", report=state, frozen="FROZEN")

    def freeze(self) -> None:
        deadline = time.monotonic() + FREEZE_S
        try:
            self._switch.write_text(self._on)
        except OSError as error:
            raise BoxStartError(f"the box cannot be frozen: {error}") from error
        while self._frozen not in text_of(self._report).splitlines():
            if time.monotonic() > deadline:
                self.thaw()
                raise BoxStartError(f"the box was not frozen within {FREEZE_S:g} s")
            time.sleep(_PAUSE_S)

    def hold(self) -> None:
        """Nothing to do: the kernel holds it."""

    def thaw(self) -> None:
        with contextlib.suppress(FileNotFoundError):  # the group is gone
            self._switch.write_text(self._off)


class StopFreezer:
    """SIGSTOP to each process, until a full pass finds all of them stopped.

    Weaker than a group's: a box can arm a timer that sends it SIGCONT. `hold` stops it again at the next look.
    """

    def __init__(self, members: Callable[[], Sequence[int]]) -> None:
        self._members = members
        self._stopped: set[int] = set()

    def freeze(self) -> None:
        deadline = time.monotonic() + FREEZE_S
        # Twice: while the first pass read its children, a process that stopped a moment later may have forked.
        while not (self._stop_all() and self._stop_all()):
            if time.monotonic() > deadline:
                self.thaw()
                raise BoxStartError(f"the box was not stopped within {FREEZE_S:g} s")
            time.sleep(_PAUSE_S)

    def hold(self) -> None:
        self._stop_all()

    def thaw(self) -> None:
        """Only what we stopped: a process that stopped itself stays so."""
        for pid in self._stopped & set(self._members()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self._stopped.clear()

    def _stop_all(self) -> bool:
        """One pass; True if it found nothing that could run."""
        running = [pid for pid in self._members() if can_run(pid, told=pid in self._stopped)]
        for pid in running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                self._stopped.add(pid)
        return not running


def can_run(pid: int, *, told: bool = False) -> bool:
    """Whether any thread of the process is neither stopped nor dead.

    `told` to stop, one that waits in the kernel does no more work either: it stops before it returns. It may wait for
    ever, as a parent does for a child that was stopped between vfork and exec.
    """
    still = "TtZXD" if told else "TtZX"
    try:
        tasks = [task.name for task in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:  # the process is gone
        return False
    return any(_state(f"/proc/{pid}/task/{task}/stat") not in still for task in tasks)


def _state(file: str) -> str:
    fields = text_of(Path(file)).rpartition(")")[2].split()
    return fields[0] if fields else "X"


def text_of(file: Path) -> str:
    """The file's text, or "" once the kernel has taken the file away with its group or process."""
    try:
        return file.read_text()
    except OSError:
        return ""
