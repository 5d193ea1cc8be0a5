"""Watches one running box: ends it at a limit, notices how it ended, leaves nothing behind."""

from __future__ import annotations

import atexit
import os
import select
import signal
import threading
import time
import weakref
from collections.abc import Sequence
from typing import get_args

from sandbox.accounts import Account, Reading
from sandbox.affinity import confine
from sandbox.descriptors import Descriptors
from sandbox.disks import Disks
from sandbox.freezing import FREEZE_S
from sandbox.leases import Place
from sandbox.spec import MIB, BoxSpec, LimitName, Outcome, Status, Usage
from sandbox.vessel import Vessel

GONE_S = 2.0
_FIRST_LOOK_S = 0.001  # a box is set up within a few milliseconds; looks slow down from here
_ENDED_BY: dict[Status, LimitName] = {
    "memory_limit": "memory",
    "cpu_limit": "cpu",
    "wall_limit": "wall",
    "inode_limit": "inodes",
}
_live: weakref.WeakSet[Monitor] = weakref.WeakSet()


class Monitor:
    """Owns the vessel, the account and the place of one box; its thread ends with the box."""

    def __init__(
        self, spec: BoxSpec, vessel: Vessel, account: Account, place: Place, look_s: float | None = None
    ) -> None:
        self._spec = spec
        self._vessel = vessel
        self._account = account
        self._look_s = look_s or account.poll_s
        self._place = place
        self._unmovable = ""
        self._disks = Disks()
        self._descriptors = Descriptors(spec.open_files)
        self._pause_s = _FIRST_LOOK_S
        self._next_reading = time.monotonic() + self._look_s / 2
        self._freezing = threading.Lock()
        self._frozen = False
        self._ending = False
        self._started = time.monotonic()
        self._ended: float | None = None
        self._asked_to_die = threading.Event()
        self._lock = threading.Lock()
        self._reading = Reading(cpu_s=0.0, peak_memory_bytes=0, out_of_memory=False)
        self._done = threading.Event()
        self._outcome: Outcome | None = None
        self._wake_r, self._wake_w = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        account.attach(vessel.outer_pid, None)
        _live.add(self)
        self._thread = threading.Thread(target=self._watch, name=f"box-{vessel.name}", daemon=True)
        self._thread.start()

    def wait(self) -> Outcome:
        self._done.wait()
        assert self._outcome is not None
        return self._outcome

    def usage(self) -> Usage:
        with self._lock:
            if self._ended is None:
                self._reading = self._account.read()
            return self._usage()

    def kill(self) -> None:
        """End the box and wait until it is gone."""
        self._asked_to_die.set()
        with self._lock:
            if self._ended is None:
                os.write(self._wake_w, b"k")
        if threading.current_thread() is not self._thread:
            self._done.wait()

    def pids(self) -> list[int]:
        """Processes that belong to the box now."""
        with self._lock:
            return self._account.members() if self._ended is None else []

    def confine(self, cpus: frozenset[int]) -> None:
        """Keep every thread of the box to these cores; a box that cannot be kept there is ended."""
        try:
            confine(self._account.members, cpus)
        except OSError as error:
            self._unmovable = f"the box could not be kept off leased cores: {error}"
            self.kill()

    def freeze(self) -> None:
        """Stop every process of the box until `thaw`. Raises BoxStartError; does nothing once the box ends."""
        deadline = time.monotonic() + FREEZE_S
        while self._vessel.init_pid is None and not self._ending and time.monotonic() < deadline:
            time.sleep(_FIRST_LOOK_S)  # without a cgroup there would be nothing to stop yet
        with self._freezing:
            if not (self._ending or self._frozen):
                self._account.freezer().freeze()
                self._frozen = True

    def thaw(self) -> None:
        with self._freezing:
            if self._frozen:
                self._account.freezer().thaw()
                self._frozen = False

    def settled(self) -> None:
        """Block until the box has ended and nothing of it is left, its cgroup included."""
        self._thread.join()

    def _usage(self) -> Usage:
        return Usage(
            wall_s=(self._ended or time.monotonic()) - self._started,
            cpu_s=self._reading.cpu_s,
            peak_memory_bytes=self._reading.peak_memory_bytes,
            source=self._account.source,
        )

    def _watch(self) -> None:
        reason: tuple[Status, str] | None = None
        trouble = ""
        try:
            reason = self._until_over()
        except Exception as error:  # the box must end and the waiter be told, whatever happened
            trouble = f"watching the box failed: {error}"
        try:
            self._end()
        except Exception as error:  # as above
            trouble = trouble or f"ending the box failed: {error}"
        self._place.leave()
        try:
            self._outcome = self._judge(reason, trouble or self._unmovable)
        except Exception as error:  # as above
            self._outcome = self._made("box_error", f"finding out how the box ended failed: {error}")
        # The waiter first: taking a cgroup down is nothing that a caller should wait for.
        self._done.set()
        self._account.remove()

    def _until_over(self) -> tuple[Status, str] | None:
        """Block until the box has ended (None) or must end (why)."""
        while True:
            ready = _ready([*self._vessel.watched(), self._wake_r], self._pause_ms())
            over = self._vessel.look(ready)
            self._account.attach(self._vessel.outer_pid, self._vessel.init_pid)
            if self._vessel.init_pid is not None:
                self._place.follow(self.confine)
                self._disks.try_open(self._vessel.init_pid)
            if self._asked_to_die.is_set():
                self._look_at_descriptors()
                return "killed", "the box was ended on request"
            if over:
                return None
            if reason := self._limit_hit():
                return reason

    def _pause_ms(self) -> float:
        left = self._started + self._spec.wall_s - time.monotonic()
        if self._disks.opened:
            self._pause_s = self._look_s
        pause, self._pause_s = self._pause_s, min(2 * self._pause_s, self._look_s)
        return max(0.0, min(pause, left)) * 1000

    def _limit_hit(self) -> tuple[Status, str] | None:
        now = time.monotonic()
        if now >= self._next_reading:
            self._next_reading = now + self._look_s / 2
            self._hold_frozen()
            self._disks.look()
            self._look_at_descriptors()
            with self._lock:
                self._reading = self._account.read()
        if now - self._started >= self._spec.wall_s:
            return "wall_limit", f"still running after {self._spec.wall_s:g} s"
        return self._use_limit_hit()

    def _use_limit_hit(self) -> tuple[Status, str] | None:
        if self._reading.out_of_memory:
            return "memory_limit", f"used more than {self._spec.memory_bytes // MIB} MiB of memory"
        if self._spec.cpu_s is not None and self._reading.cpu_s >= self._spec.cpu_s:
            return "cpu_limit", f"used {self._spec.cpu_s:g} CPU seconds"
        if self._disks.inodes > self._spec.inodes:
            return "inode_limit", f"made more than {self._spec.inodes} files and folders"
        return None

    def _look_at_descriptors(self) -> None:
        """Of all but the processes that hold the box."""
        init_pid = self._vessel.init_pid
        if init_pid is not None and self._vessel.shares_kernel and not self._descriptors.reached:
            ours = {init_pid, self._vessel.outer_pid}
            self._descriptors.look(pid for pid in self._account.members() if pid not in ours)

    def _hold_frozen(self) -> None:
        with self._freezing:
            if self._frozen:
                self._account.freezer().hold()

    def _end(self) -> None:
        """Kill what is left and collect the last figures."""
        with self._freezing:
            self._ending = True
            if self._frozen:
                # In this order none of them runs again; frozen by cgroup v1 they would not die.
                self._account.kill()
                self._account.freezer().thaw()
        self._vessel.kill()
        self._kill_members()
        with self._lock:
            self._reading = self._last_reading()
            self._ended = time.monotonic()
            os.close(self._wake_r)
            os.close(self._wake_w)
        self._disks.look()
        self._disks.close()

    def _kill_members(self) -> None:
        deadline = time.monotonic() + GONE_S
        while self._account.members() and time.monotonic() < deadline:
            self._account.kill()
            time.sleep(0.002)

    def _last_reading(self) -> Reading:
        last = self._account.read()
        return Reading(
            cpu_s=max(last.cpu_s, self._reading.cpu_s),
            peak_memory_bytes=max(last.peak_memory_bytes, self._reading.peak_memory_bytes),
            out_of_memory=last.out_of_memory,
            pids_refused=last.pids_refused,
        )

    def _judge(self, reason: tuple[Status, str] | None, trouble: str) -> Outcome:
        ending = self._vessel.ending()
        self._vessel.close()
        if trouble:
            return self._made("box_error", trouble)
        # A limit can be hit in the last moment before the end: the final figures decide.
        if reason is not None and reason[0] == "killed" and self._reading.out_of_memory:
            reason = None  # the kernel ended a process for its memory before we were asked to end the box
        reason = reason or self._use_limit_hit()
        if reason is not None:
            return self._made(*reason)
        if ending.error:
            return self._made("box_error", ending.error)
        if ending.signal is not None:
            return self._made("signalled", f"ended by {_signal_name(ending.signal)}", number=ending.signal)
        return self._made("exited", f"exited with code {ending.code}", code=ending.code)

    def _made(self, status: Status, detail: str, *, code: int | None = None, number: int | None = None) -> Outcome:
        hits = self._hits(status)
        return Outcome(status=status, exit_code=code, signal=number, usage=self._usage(), detail=detail, hits=hits)

    def _hits(self, status: Status) -> tuple[LimitName, ...]:
        """Every limit that was met, in the order of LimitName."""
        met: set[LimitName] = {_ENDED_BY[status]} if status in _ENDED_BY else set()
        if self._reading.out_of_memory:
            met.add("memory")
        if self._reading.pids_refused:
            met.add("pids")
        if self._disks.full:
            met.add("disk")
        if self._descriptors.reached:
            met.add("open_files")
        return tuple(name for name in get_args(LimitName) if name in met)


def settle_boxes() -> None:
    """End every box of this process and wait until nothing of any is left."""
    for monitor in list(_live):
        monitor.kill()
        monitor.settled()


@atexit.register
def _kill_live() -> None:
    """The kernel kills what runs when we end; this also gives back cgroups."""
    settle_boxes()


def _ready(fds: Sequence[int], timeout_ms: float) -> set[int]:
    poller = select.poll()
    for fd in fds:
        poller.register(fd, select.POLLIN)
    return {fd for fd, _ in poller.poll(timeout_ms)}


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
