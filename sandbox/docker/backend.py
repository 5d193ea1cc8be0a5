"""The Docker backend: each box is one container of the machine's engine, used once."""

from __future__ import annotations

import atexit
import contextlib
import os
import weakref
from collections.abc import Sequence
from typing import Any, Self

from sandbox.affinity import confine
from sandbox.backend import LimitCheck, Pod
from sandbox.docker.checks import limit_checks
from sandbox.docker.container import Container, Maker
from sandbox.docker.engine import Engine
from sandbox.docker.folder import sweep_folders
from sandbox.docker.image import ensure_image
from sandbox.docker.pool import Pool
from sandbox.docker.python import find_python
from sandbox.docker.request import Request, send_run
from sandbox.docker.vessel import DockerVessel
from sandbox.docker.wish import Wish, request_for, wish_for
from sandbox.errors import BoxStartError, SandboxUnavailable
from sandbox.leases import CoreLease, Place, machine_book
from sandbox.monitor import Monitor, settle_boxes
from sandbox.own_box import OwnBox
from sandbox.owner import owner_is_dead
from sandbox.spec import MIB, BoxSpec

READY = "RANKZERO_DOCKER_READY"
_open: weakref.WeakSet[DockerBackend] = weakref.WeakSet()


class DockerBackend:
    """Makes boxes on one engine. `close` it, or let the end of this process do it."""

    name = "docker"

    def __init__(self, engine: Engine, maker: Maker, room: int) -> None:
        """`room`: how many containers may wait for a program."""
        self._engine = engine
        self._maker = maker
        self._pool = Pool(self._make_ahead, room)
        _open.add(self)

    @classmethod
    def open(cls) -> Self:
        """Connect, remove what dead owners left, and run one real box. Raises SandboxUnavailable with the fix."""
        room = _room()
        python = find_python()
        engine = Engine.connect()
        with contextlib.ExitStack() as undo:
            undo.callback(engine.close)
            try:
                backend = cls(engine, Maker(engine, image=ensure_image(engine), python=python), room)
                undo.callback(backend.close)
                backend.sweep()
                backend.require_working()
            except BoxStartError as error:
                raise SandboxUnavailable(f"no box can be started in Docker: {error}") from error
            undo.pop_all()
        return backend

    def require_working(self) -> None:
        """Run one real box. Raises SandboxUnavailable or BoxStartError."""
        # A named core: while every core is leased, a box without one would wait.
        spec = BoxSpec(memory_bytes=64 * MIB, pids=4, wall_s=20, cpus=(min(os.sched_getaffinity(0)),))
        process = self.prepare(spec).start(["/usr/bin/true"])
        errors = process.stderr.read()
        outcome = process.wait()
        process.close()
        if outcome.exit_code != 0:
            said = errors.decode(errors="replace").strip() or outcome.detail
            raise SandboxUnavailable(f"no box can be started in Docker: {said}")

    def prepare(self, spec: BoxSpec, *, pod: Pod | None = None) -> OwnBox:
        """Check the spec against this machine."""
        if spec.cpus is not None and not set(spec.cpus) <= os.sched_getaffinity(0):
            raise BoxStartError(f"cores {spec.cpus} are not all ours: we have {sorted(os.sched_getaffinity(0))}")
        if pod is not None and not isinstance(pod, DockerPod):
            raise BoxStartError(f"{pod.name} is not a pod of this backend")
        start = Start(spec, self._maker, self._pool, None if pod is None else pod.network)
        box = OwnBox(spec, self._maker.source, start.at)
        if pod is not None:
            pod.boxes.add(box)
        return box

    def open_pod(self) -> DockerPod:
        """Raises BoxStartError."""
        return DockerPod(self._maker.hold_network())

    def lease(self, *, cores: int = 0, gpus: int = 0, wait_s: float | None = None) -> CoreLease:
        """Cores and GPUs for the caller alone, among the boxes of this process."""
        return machine_book().lease(cores=cores, gpus=gpus, wait_s=wait_s, owner=f"process {os.getpid()}")

    def check(self) -> list[LimitCheck]:
        return limit_checks(self._engine.version(), self._maker.source)

    def sweep(self) -> int:
        """Remove containers and folders of owners that are dead, in any state; how many boxes that were."""
        orphans = [container for container, owner in self._engine.owned() if owner_is_dead(owner)]
        for container in orphans:
            self._engine.remove(container)
        sweep_folders()
        return len(orphans)

    def settle(self) -> None:
        """Block until nothing is left of boxes that have ended."""
        self._maker.settle()

    def close(self) -> None:
        """Leave nothing on the engine; no box can be made after it. Safe to call twice."""
        _open.discard(self)
        self._pool.close()
        self._maker.close()
        self._engine.close()

    def warm_status(self) -> dict[str, Any]:
        """What waits for a program now."""
        return {"ready": self._pool.stacks()}

    def _make_ahead(self, wish: Wish) -> Container:
        container = self._maker.make(wish.spec(), "none")
        try:
            if request := wish.standby_request():
                container.warm_up(request, self._pool.closing)
        except BaseException:
            container.discard()
            raise
        return container


class Start:
    """How a program gets its container: one that waits, or a new one. `network`: a pod's, or None for its own."""

    def __init__(self, spec: BoxSpec, maker: Maker, pool: Pool, network: str | None) -> None:
        self._spec = spec
        self._maker = maker
        self._pool = pool
        self._network = network

    def at(self, place: Place, argv: Sequence[str], fds: Sequence[int]) -> Monitor:
        wish = wish_for(self._spec, argv) if self._network is None else None
        waiting = self._pool.take(wish) if wish else None
        container = waiting or self._maker.make(self._spec, self._network or "none")
        try:
            request = request_for(self._spec, argv, wish if waiting else None)
            return self._release(container, place, request, fds, refill=wish)
        except OSError as error:
            container.discard()
            raise BoxStartError(f"the box was lost while it started: {error}") from error
        except BaseException:
            container.discard()
            raise

    def _release(
        self, container: Container, place: Place, request: Request, fds: Sequence[int], *, refill: Wish | None
    ) -> Monitor:
        """Let the waiting shim run the program, on its cores and under its limits from the first instruction on."""
        confine(container.account.members, place.cpus)
        vessel = DockerVessel(container, ended=lambda: self._pool.refill(refill) if refill else None)
        try:
            container.account.begin()
            send_run(container.channel, request, fds)
            return Monitor(self._spec, vessel, container.account, place)
        except BaseException:
            vessel.close()
            raise


class DockerPod:
    """A container whose network others share."""

    def __init__(self, holder: Container) -> None:
        self._holder = holder
        self.name = holder.name
        self.network = f"container:{holder.id}"
        self.boxes: weakref.WeakSet[OwnBox] = weakref.WeakSet()

    def close(self) -> None:
        """End its boxes, and then the network."""
        for box in list(self.boxes):
            box.kill()
        self._holder.discard()

    def __enter__(self) -> DockerPod:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _room() -> int:
    """How many containers may wait for a program. Raises SandboxUnavailable."""
    text = os.environ.get(READY, "4")
    if not text.isdigit():
        raise SandboxUnavailable(f"{READY} is {text!r}: set it to a number of containers, 0 for none")
    return int(text)


@atexit.register
def _close_open() -> None:
    """Boxes first: their monitors end them at exit, too, but after us."""
    settle_boxes()
    for backend in list(_open):
        with contextlib.suppress(OSError):
            backend.close()
