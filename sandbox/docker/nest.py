"""Templates in containers: one imports a stack, and makes boxes of copies of itself inside, as sandbox/warm/ says.

Its container is made like any other, but for two things without which no namespace could be made in it: a wider filter,
and a /proc of which nothing is covered. It has no capability and no learner's code; each copy gets the filter, the root
and the limits of a box, in a cgroup of its own.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from sandbox.docker.container import Maker
from sandbox.docker.release import release
from sandbox.docker.request import Request
from sandbox.docker.runtime import chosen_runtime
from sandbox.leases import Place
from sandbox.machine import find_keeper
from sandbox.monitor import Monitor
from sandbox.plan import BOX_UID
from sandbox.seccomp import compile_filter
from sandbox.spec import BoxSpec
from sandbox.warm.host import TEMPLATE_LOOK_S, Host


def template_host(maker: Maker, *, nests: bool = True) -> Host:
    """`nests`: False for an engine whose containers may make no namespaces: there the first copy fails."""

    def launch(spec: BoxSpec, argv: Sequence[str], fds: Sequence[int]) -> Monitor:
        container = maker.make(spec, "none", nests=nests)
        place = Place(None, os.sched_getaffinity(0))
        return release(container, spec, place, Request.of(spec, argv), fds, look_s=TEMPLATE_LOOK_S)

    return Host(
        keeper=find_keeper(),
        seccomp=compile_filter(memfd=True),
        drop_to=(BOX_UID, BOX_UID) if os.geteuid() == 0 else None,
        launch=launch,
        why_not="" if chosen_runtime().shares_kernel else "a container's processes are not the host's",
    )
