"""The Docker backend: each box is one container of the machine's engine, used once."""

from __future__ import annotations

import atexit
import contextlib
import os
import weakref
from collections.abc import Sequence
from typing import Any, Self

from sandbox.backend import LimitCheck, Pod
from sandbox.docker.checks import limit_checks
from sandbox.docker.container import Container, Maker
from sandbox.docker.engine import Engine
from sandbox.docker.folder import sweep_folders
from sandbox.docker.image import ensure_image
from sandbox.docker.nest import template_host
from sandbox.docker.pool import Pool
from sandbox.docker.python import find_python
from sandbox.docker.release import release
from sandbox.docker.wish import Wish, request_for, wish_for
from sandbox.errors import BoxStartError, SandboxUnavailable
from sandbox.leases import CoreLease, Place, machine_book
from sandbox.monitor import Monitor, settle_boxes
from sandbox.own_box import OwnBox
from sandbox.owner import owner_is_dead
from sandbox.spec import MIB, BoxSpec
from sandbox.warm.host import Host
from sandbox.warm.keeper import WarmKeeper

READY = "RANKZERO_DOCKER_READY"
_open: weakref.WeakSet[DockerBackend] = weakref.WeakSet()


class DockerBackend:
    """Makes boxes on one engine. `close` it, or let the end of this process do it."""

    name = "docker"

    def __init__(self, engine: Engine, maker: Maker, room: int, host: Host | None = None) -> None:
        """`room`: how many containers may wait for a program. `host`: of templates, if not as `nest` makes them."""
        self._engine = engine
        self._maker = maker
        self._host = host or template_host(maker)
        self._warm = WarmKeeper(self._host)
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
        start = Start(spec, self._maker, self._pool, self._warm, None if pod is None else pod.network)
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
        return [*limit_checks(self._engine.version(), self._maker.source), self._warm.check()]

    def sweep(self) -> int:
        """Remove what dead owners left: containers in any state, folders, cgroups; how many boxes that were."""
        orphans = [container for container, owner in self._engine.owned() if owner_is_dead(owner)]
        for container in orphans:
            self._engine.remove(container)
        sweep_folders()
        return len(orphans) + self._host.keeper.sweep()

    def settle(self) -> None:
        """Block until nothing is left of boxes that have ended."""
        self._maker.settle()

    def wait_ready(self, spec: BoxSpec, argv: Sequence[str], timeout_s: float) -> bool:
        """Have this box's template made, and wait for it; False if there will be none, or not in time."""
        return self._warm.wait_ready(spec, argv, timeout_s)

    def keep_only(self, spec: BoxSpec, argv: Sequence[str]) -> bool:
        """Let go of every template but this box's: for whoever counts what is there."""
        return self._warm.keep_only(spec, argv)

    def close(self) -> None:
        """Leave nothing on the engine; no box can be made after it. Safe to call twice."""
        _open.discard(self)
        self._warm.close()
        self._pool.close()
        self._maker.close()
        self._engine.close()

    def warm_status(self) -> dict[str, Any]:
        """Which templates are kept, and which stacks containers of their own wait with, as JSON values."""
        return {**self._warm.status(), "ready": self._pool.stacks()}

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
    """How a program gets its box: a copy of a template, a container that waits, or a new one.

    `network`: a pod's, or None for its own.
    """

    def __init__(self, spec: BoxSpec, maker: Maker, pool: Pool, warm: WarmKeeper, network: str | None) -> None:
        self._spec = spec
        self._maker = maker
        self._pool = pool
        self._warm = warm
        self._network = network

    def at(self, place: Place, argv: Sequence[str], fds: Sequence[int]) -> Monitor:
        if self._network is not None:
            return self._run(self._maker.make(self._spec, self._network), None, None, place, argv, fds)
        if copy := self._warm.start(self._spec, argv, fds, place):
            return copy
        wish = wish_for(self._spec, argv)
        if waiting := self._pool.take(wish) if wish else None:
            return self._run(waiting, wish, self._next(wish, argv), place, argv, fds)
        return self._run(self._maker.make(self._spec, "none"), None, self._next(wish, argv), place, argv, fds)

    def _next(self, wish: Wish | None, argv: Sequence[str]) -> Wish | None:
        """What to keep ready from now on: no standby where a template is there, or being made."""
        if wish is None or (wish.standby and not self._warm.hopeless(self._spec, argv)):
            return None
        return wish

    def _run(
        self,
        container: Container,
        met: Wish | None,
        refill: Wish | None,
        place: Place,
        argv: Sequence[str],
        fds: Sequence[int],
    ) -> Monitor:
        """`met`: what the container was made ahead for; `refill`: what one is to be made ahead for after it."""
        try:
            request = request_for(self._spec, argv, met)
        except BaseException:
            container.discard()
            raise
        return release(
            container, self._spec, place, request, fds, ended=lambda: self._pool.refill(refill) if refill else None
        )


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
