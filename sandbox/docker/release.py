"""Lets a waiting container run its program, watched."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sandbox.affinity import confine
from sandbox.docker.container import Container
from sandbox.docker.request import Request, send_run
from sandbox.docker.vessel import DockerVessel
from sandbox.errors import BoxStartError
from sandbox.leases import Place
from sandbox.monitor import Monitor
from sandbox.spec import BoxSpec


def release(
    container: Container,
    spec: BoxSpec,
    place: Place,
    request: Request,
    fds: Sequence[int],
    *,
    ended: Callable[[], None] = lambda: None,
    look_s: float | None = None,
) -> Monitor:
    """On its cores and under its limits from the first instruction on. The container becomes the monitor's.

    `ended` is called once the box is over; `look_s`: how often its limits are looked at, if not as a box's.
    Raises BoxStartError; then the container is gone.
    """
    try:
        confine(container.account.members, place.cpus)
        vessel = DockerVessel(container, ended)
        try:
            container.account.begin()
            send_run(container.channel, request, fds)
            return Monitor(spec, vessel, container.account, place, look_s)
        except BaseException:
            vessel.close()
            raise
    except OSError as error:
        container.discard()
        raise BoxStartError(f"the box was lost while it started: {error}") from error
    except BaseException:
        container.discard()
        raise
