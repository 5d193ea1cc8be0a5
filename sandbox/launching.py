"""Turns a spare process into bubblewrap with one box in it."""

from __future__ import annotations

import atexit
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox import spawner
from sandbox.bwrap_vessel import BwrapVessel
from sandbox.errors import BoxStartError
from sandbox.leases import Place
from sandbox.machine import Machine
from sandbox.monitor import Monitor, settle_boxes
from sandbox.plan import Plan, Stage, make_plan, memory_file
from sandbox.spares import Spare, close_spares, shared_spares
from sandbox.spawning import SpawnerGone
from sandbox.spec import BoxSpec

_TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What is to run in one box. `namespaces`: of a pod, by descriptor and kind, in the order of entering.

    `nests`: a program of ours that makes boxes inside. `look_s`: how often its limits are looked at, if not as a box's.
    """

    spec: BoxSpec
    argv: Sequence[str]
    fds: Sequence[int]
    place: Place
    namespaces: Sequence[tuple[int, int]] = ()
    seccomp: bytes = b""
    nests: bool = False
    look_s: float | None = None


class Launcher:
    """Launches boxes of one machine."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.spares = shared_spares(machine.keeper)

    def launch(self, launch: Launch) -> Monitor:
        """Raises BoxStartError."""
        for last in (False,) * (_TRIES - 1) + (True,):
            spare = self.spares.take()
            try:
                return self._become(spare, launch)
            except (ConnectionError, SpawnerGone) as error:  # it was killed, and this spare with it
                spare.discard()
                if last:
                    raise BoxStartError(f"the process for the box ended before it began: {error}") from error
            except BaseException:
                spare.discard()
                raise
        raise AssertionError("the last try returns or raises")

    def _become(self, spare: Spare, launch: Launch) -> Monitor:
        spec = launch.spec
        spare.account.bound(memory_bytes=spec.memory_bytes, pids=spec.pids)
        status_r, status_w = os.pipe2(os.O_CLOEXEC)
        try:
            plan = self._plan(launch, status_w)
            try:
                self._tell(spare, plan, launch)
            finally:
                plan.close()
            vessel = BwrapVessel(spare.pid, spare.pidfd, status_r)
        except BaseException:
            os.close(status_r)
            raise
        return Monitor(spec, vessel, spare.account, launch.place, launch.look_s)

    def _plan(self, launch: Launch, status_fd: int) -> Plan:
        return make_plan(
            launch.spec,
            launch.argv,
            seccomp=launch.seccomp or self.machine.seccomp,
            status_fd=status_fd,
            stage=self._stage(),
            share_net=bool(launch.namespaces),
            bound_pids=not self.machine.keeper.bounds_pids,
            nests=launch.nests,
        )

    def _stage(self) -> Stage | None:
        return None if self.machine.drop_to is None else self.spares.spawner().stage

    def _tell(self, spare: Spare, plan: Plan, launch: Launch) -> None:
        libraries, stage = self.machine.libraries, self._stage()
        args = plan.hold(b"".join(word.encode() + b"\0" for word in plan.args))
        steps = {
            "bwrap": str(self.machine.bwrap),
            "libraries": "" if libraries is None else stage(libraries) if stage else str(libraries),
            "args": ["--args", args, "--", *plan.command],
            "status_fd": spawner.FIRST_HELD,
            "cpus": list(launch.place.cpus),
            "limits": plan.limits,
            "drop_to": self.machine.drop_to,
            "entered": [kind for _, kind in launch.namespaces],
        }
        steps_fd = memory_file(json.dumps(steps).encode())
        try:
            spare.tell([steps_fd, *launch.fds, *(fd for fd, _ in launch.namespaces), *plan.held])
        finally:
            os.close(steps_fd)


@atexit.register
def _end_all() -> None:
    """Boxes first, in good order: they would be killed with the process that spares come from."""
    settle_boxes()
    close_spares()
