"""The embedded backend: each box is one run of bubblewrap, started from this process."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Self

from sandbox.accounts import AccountKeeper
from sandbox.backend import LimitCheck, Pod
from sandbox.errors import BoxStartError
from sandbox.launching import Launch, Launcher
from sandbox.leases import CoreLease, Place, machine_book
from sandbox.machine import Machine, require_working, survey
from sandbox.monitor import Monitor
from sandbox.own_box import OwnBox
from sandbox.pods import BwrapPod
from sandbox.seccomp import compile_filter
from sandbox.spec import BoxSpec
from sandbox.warm.host import TEMPLATE_LOOK_S, Host
from sandbox.warm.keeper import WarmKeeper


class BubblewrapBackend:
    """Makes boxes on this machine."""

    name = "bubblewrap"

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._launcher = Launcher(machine)
        self._warm = WarmKeeper(template_host(self._launcher))
        self._closed = False

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

    def prepare(self, spec: BoxSpec, *, pod: Pod | None = None) -> OwnBox:
        """Check the spec against this machine."""
        if pod is not None and not isinstance(pod, BwrapPod):
            raise BoxStartError(f"{pod.name} is not a pod of this backend")
        if spec.cpus is not None and not set(spec.cpus) <= os.sched_getaffinity(0):
            raise BoxStartError(f"cores {spec.cpus} are not all ours: we have {sorted(os.sched_getaffinity(0))}")

        def start_at(place: Place, argv: Sequence[str], fds: Sequence[int]) -> Monitor:
            def launch(namespaces: Sequence[tuple[int, int]] = ()) -> Monitor:
                wanted = Launch(spec=spec, argv=argv, fds=fds, place=place, namespaces=namespaces)
                return self._launcher.launch(wanted)

            if pod is not None:
                return pod.start(launch)
            return self._warm.start(spec, argv, fds, place) or launch()

        return OwnBox(spec, self.keeper.source, start_at)

    def open_pod(self) -> BwrapPod:
        """A network with nothing but a loopback, for boxes of this backend."""
        return BwrapPod(self._launcher.spares.spawner().pod())

    def wait_ready(self, spec: BoxSpec, argv: Sequence[str], timeout_s: float) -> bool:
        """Have this box's template made, and wait for it; False if there will be none, or not in time."""
        return self._warm.wait_ready(spec, argv, timeout_s)

    def keep_only(self, spec: BoxSpec, argv: Sequence[str]) -> bool:
        """Let go of every template but this box's: for whoever counts what is there."""
        return self._warm.keep_only(spec, argv)

    def warm_status(self) -> dict[str, Any]:
        """Which templates are kept, as JSON values."""
        return self._warm.status()

    def close(self) -> None:
        """End what waits for the next box, and with the last backend of this process every box. Safe to call twice."""
        self._warm.close()
        if not self._closed:
            self._closed = True
            self._launcher.spares.leave()

    def lease(self, *, cores: int = 0, gpus: int = 0, wait_s: float | None = None) -> CoreLease:
        """Cores and GPUs for the caller alone, among the boxes of this process."""
        return machine_book().lease(cores=cores, gpus=gpus, wait_s=wait_s, owner=f"process {os.getpid()}")

    def _pod_check(self) -> LimitCheck:
        try:
            self.open_pod().close()
        except BoxStartError as error:
            return LimitCheck(name="pods", how=str(error), ok=False)
        return LimitCheck(name="pods", how="a network namespace with a loopback, which its boxes enter", ok=True)

    def check(self) -> list[LimitCheck]:
        return [*self._machine.checks(), self._pod_check(), self._warm.check()]


def template_host(launcher: Launcher) -> Host:
    """Templates in boxes of bubblewrap's."""

    def launch(spec: BoxSpec, argv: Sequence[str], fds: Sequence[int]) -> Monitor:
        return launcher.launch(
            Launch(
                spec=spec,
                argv=argv,
                fds=fds,
                place=Place(None, os.sched_getaffinity(0)),
                seccomp=compile_filter(memfd=True, nests=True),
                nests=True,
                look_s=TEMPLATE_LOOK_S,
            )
        )

    machine = launcher.machine
    return Host(keeper=machine.keeper, seccomp=machine.seccomp, drop_to=machine.drop_to, launch=launch)
