"""The container runtime: the engine's own, or one that the operator names, with a kernel of its own in each box."""

from __future__ import annotations

import os
from dataclasses import dataclass

from sandbox.spec import MIB

RUNTIME = "RANKZERO_DOCKER_RUNTIME"


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """`name`: as the engine knows it, "" for its default. What the box's group holds beside the program:
    `memory_bytes`, and `pids` once the program runs; `pids_at_start` before.

    `shares_kernel`: the program's processes, files and cores are the host's, so that they can be counted one by one.
    """

    name: str
    memory_bytes: int
    pids: int
    pids_at_start: int
    shares_kernel: bool


# The shim; and before it the runtime's own threads.
_DEFAULT = Runtime(name="", memory_bytes=8 * MIB, pids=1, pids_at_start=32, shares_kernel=True)


def chosen_runtime() -> Runtime:
    """The operator's choice, $RANKZERO_DOCKER_RUNTIME, or the engine's default."""
    name = os.environ.get(RUNTIME, "")
    if not name:
        return _DEFAULT
    # gVisor's kernel is a process of dozens of threads, and each of the program's is one or two more.
    return Runtime(name=name, memory_bytes=96 * MIB, pids=512, pids_at_start=0, shares_kernel=False)
