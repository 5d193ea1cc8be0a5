"""How many runs a machine does at once, queue by queue: each queue has a worker of its own."""

from __future__ import annotations

import os

from sandbox.leases import list_gpus

MEMORY_MB = 2048  # of a run: its boxes, its judge and the next judge


def slots(queue: str, *, cores: int, memory_mb: int, gpus: int) -> int:
    """One run on each GPU; of the cores, half for timed runs and half for quick ones, as far as memory goes.

    A timed run leases its cores, and what nobody leased is shared by all quick runs: with more timed runs than half
    the cores they would wait for each other while they hold a slot. Never less than one.
    """
    if queue == "gpu":
        return max(1, gpus)
    wanted = cores // 2 if queue == "cpu" else cores - cores // 2
    return max(1, min(wanted, memory_mb // 2 // MEMORY_MB))


def slots_here(queue: str) -> int:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024**2
    gpus = len(list_gpus()) if queue == "gpu" else 0
    return slots(queue, cores=len(os.sched_getaffinity(0)), memory_mb=memory, gpus=gpus)
