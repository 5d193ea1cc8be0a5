"""The embedded backend: each box is one run of bubblewrap, started from this process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

from sandbox import launcher
from sandbox.accounts import Account, AccountKeeper
from sandbox.backend import LimitCheck, Pod
from sandbox.bwrap_vessel import BwrapVessel
from sandbox.errors import BoxStartError
from sandbox.leases import CoreLease, Place, machine_book, take_place
from sandbox.machine import Machine, require_working, survey
from sandbox.monitor import Monitor
from sandbox.plan import Plan, make_plan, memory_file
from sandbox.spawn import spawn
from sandbox.spec import BoxSpec, Usage
from sandbox.streams import RunningProcess, Streams


class BubblewrapBackend:
    """Makes boxes on this machine."""

    name = "bubblewrap"

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    @classmethod
    def open(cls, accounting: str = "auto") -> Self:
        """Find out by trying what this machine can enforce.

        `accounting`: "auto", or one of "cgroup2", "cgroup1", "proc". Raises SandboxUnavailable.
        """
        backend = cls(survey(accounting))
        backend.keeper.sweep()
        require_working(backend)
        return backend

    @property
    def keeper(self) -> AccountKeeper:
        return self._machine.keeper

    def prepare(self, spec: BoxSpec, *, pod: Pod | None = None) -> BubblewrapBox:
        """Check the spec against this machine."""
        if pod is not None:
            raise BoxStartError(f"{pod.name} is not a pod of this backend")
        if spec.cpus is not None and not set(spec.cpus) <= os.sched_getaffinity(0):
            raise BoxStartError(f"cores {spec.cpus} are not all ours: we have {sorted(os.sched_getaffinity(0))}")
        return BubblewrapBox(spec, self._machine)

    def open_pod(self) -> Pod:
        raise BoxStartError("this backend has no pods yet")

    def lease(self, *, cores: int = 0, gpus: int = 0, wait_s: float | None = None) -> CoreLease:
        """Cores and GPUs for the caller alone, among the boxes of this process."""
        return machine_book().lease(cores=cores, gpus=gpus, wait_s=wait_s, owner=f"process {os.getpid()}")

    def check(self) -> list[LimitCheck]:
        return self._machine.checks()


class BubblewrapBox:
    """One box of this process."""

    def __init__(self, spec: BoxSpec, machine: Machine) -> None:
        self._spec = spec
        self._machine = machine
        self._used = False

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

    def _start_at(self, place: Place, argv: Sequence[str], fds: Sequence[int]) -> Monitor:
        account = self._machine.keeper.open(memory_bytes=self._spec.memory_bytes, pids=self._spec.pids)
        try:
            return _launch(self._spec, argv, fds, self._machine, account, place)
        except BaseException:
            account.remove()
            raise

    def usage(self) -> Usage:
        if not self._used:
            return Usage(wall_s=0.0, cpu_s=0.0, peak_memory_bytes=0, source=self._machine.keeper.source)
        return self._monitor.usage()

    def kill(self) -> None:
        if self._used:
            self._monitor.kill()

    def freeze(self) -> None:
        if self._used:
            self._monitor.freeze()

    def thaw(self) -> None:
        if self._used:
            self._monitor.thaw()


def _launch(
    spec: BoxSpec, argv: Sequence[str], fds: Sequence[int], machine: Machine, account: Account, place: Place
) -> Monitor:
    status_r, status_w = _high_pipe()
    try:
        plan = make_plan(spec, argv, seccomp=machine.seccomp, status_fd=status_w, staged=machine.drop_to is not None)
        try:
            popen = _spawn_launcher(plan, fds, status_w, machine, account, place)
        finally:
            plan.close()
    except BaseException:
        os.close(status_r)
        raise
    finally:
        os.close(status_w)
    return Monitor(spec, BwrapVessel(popen, status_r), account, place)


def _high_pipe() -> tuple[int, int]:
    """A pipe whose writing end is clear of 0–3."""
    read, write = os.pipe2(os.O_CLOEXEC)
    high = memory_file(b"")
    os.dup2(write, high, inheritable=False)
    os.close(write)
    return read, high


def _spawn_launcher(
    plan: Plan, fds: Sequence[int], status_fd: int, machine: Machine, account: Account, place: Place
) -> subprocess.Popen[bytes]:
    stdin, stdout, stderr, control = fds
    args_fd = int(plan.hold(b"".join(word.encode() + b"\0" for word in plan.args)))
    staged = machine.drop_to is not None
    libraries = "" if machine.libraries is None else plan.source(machine.libraries, staged=staged)
    steps = {
        "bwrap": str(machine.bwrap),
        "libraries": libraries,
        "command": plan.command,
        "args_fd": args_fd,
        "status_fd": status_fd,
        "control_fd": control,
        "join": [str(file) for file in account.join_files()],
        "cpus": list(place.cpus),
        "drop_to": machine.drop_to,
        "stage": plan.stage,
        "parent": os.getpid(),
    }
    plan_fd = int(plan.hold(json.dumps(steps).encode()))
    command = [sys.executable, "-I", "-S", launcher.__file__, str(plan_fd)]
    start = _starter(command, (stdin, stdout, stderr), [control, status_fd, *plan.fds])
    try:
        return spawn(start)
    except OSError as error:
        raise BoxStartError(f"cannot start a process for the box: {error}") from error


def _starter(
    command: list[str], streams: tuple[int, int, int], pass_fds: list[int]
) -> Callable[[], subprocess.Popen[bytes]]:
    stdin, stdout, stderr = streams

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command, stdin=stdin, stdout=stdout, stderr=stderr, pass_fds=pass_fds, env={}, cwd=Path("/")
        )

    return start
