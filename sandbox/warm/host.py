"""What templates need of the backend whose boxes they make: how one is started, and how its copies become boxes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sandbox.accounts import AccountKeeper
from sandbox.monitor import Monitor
from sandbox.spec import BoxSpec

TEMPLATE_LOOK_S = 2.0  # it only imports; a closer watch would cost a hundredth of a core

# Starts our own program, which makes boxes inside: spec, argv, the four descriptors, which stay the caller's. It takes
# no place among the cores: a template only imports, and must keep nobody from a lease. Raises SandboxError or OSError.
Launch = Callable[[BoxSpec, Sequence[str], Sequence[int]], Monitor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """`keeper`, `seccomp`: of the copies. `drop_to`: the boxes' user, if we are root; `why_not`: no template at all."""

    keeper: AccountKeeper
    seccomp: bytes
    drop_to: tuple[int, int] | None
    launch: Launch
    why_not: str = ""
