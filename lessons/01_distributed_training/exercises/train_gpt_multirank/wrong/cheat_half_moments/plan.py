"""The plan of a run: the stage, the batch and the time, from what the lesson derives."""

from __future__ import annotations

SEVEN_BILLION = {
    "params": 7_000_000_000,
    "layers": 32,
    "hidden": 4096,
    "block_params": 202_000_000,
    "sequence": 4096,
    "batch": 512,
    "tokens": 140_000_000_000,
    "gpus": 64,
    "memory_bytes": 80_000_000_000,
    "peak_flops": 989e12,
    "efficiency": 0.5,
    "link_bytes_s": 50e9,
    "dollars_per_gpu_hour": 2.5,
}


def state_bytes(cluster, stage):
    params, ranks = cluster["params"], cluster["gpus"]
    if stage == 3:
        return 16 * params / ranks + 2 * 2 * cluster["block_params"]
    return {0: 16 * params, 1: 4 * params + 12 * params / ranks, 2: 2 * params + 14 * params / ranks}[stage]


def activation_bytes(cluster, micro_batch):
    return (2 * cluster["layers"] + 34) * cluster["sequence"] * micro_batch * cluster["hidden"]


def plan(cluster):
    """The smallest stage that fits, with the largest micro-batch that fits it; None where no stage does."""
    usable = 0.9 * cluster["memory_bytes"]
    for stage in range(4):
        micro_batch = cluster["batch"] // cluster["gpus"]
        while micro_batch >= 1:
            held = state_bytes(cluster, stage) + activation_bytes(cluster, micro_batch)
            if held <= usable:
                return time_of(cluster, stage, micro_batch, held)
            micro_batch //= 2
    return None


def time_of(cluster, stage, micro_batch, held):
    params, gpus = cluster["params"], cluster["gpus"]
    rounds = cluster["batch"] // (gpus * micro_batch)
    tokens = cluster["batch"] * cluster["sequence"]
    attention = 12 * cluster["layers"] * cluster["hidden"] * cluster["sequence"]
    compute = 4 / 3 * (6 * params + attention) * tokens / (gpus * cluster["peak_flops"] * cluster["efficiency"])
    passes = {0: 2, 1: 2, 2: rounds + 1, 3: 3 * rounds}[stage]
    talk = passes * (gpus - 1) / gpus * 2 * params / cluster["link_bytes_s"]
    days = cluster["tokens"] / tokens * max(compute, talk) / 86_400
    return {
        "stage": stage,
        "micro_batch": micro_batch,
        "rounds": rounds,
        "bytes_per_gpu": held,
        "step_seconds": max(compute, talk),
        "days": days,
        "dollars": days * 24 * gpus * cluster["dollars_per_gpu_hour"],
    }
