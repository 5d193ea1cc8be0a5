"""The plan of a run. Make `plan` right for every cluster: the prompt has each rule.

Every key of a cluster is in SEVEN_BILLION; `python launch.py` prints its plan.
"""

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


def plan(cluster):
    """What the run takes, or None where no stage fits. This one knows plain data parallelism alone."""
    held = 16 * cluster["params"]
    if held > 0.9 * cluster["memory_bytes"]:
        return None
    tokens = cluster["batch"] * cluster["sequence"]
    seconds = 6 * cluster["params"] * tokens / (cluster["gpus"] * cluster["peak_flops"] * cluster["efficiency"])
    days = cluster["tokens"] / tokens * seconds / 86_400
    return {
        "stage": 0,
        "micro_batch": 1,
        "rounds": cluster["batch"] // cluster["gpus"],
        "bytes_per_gpu": held,
        "step_seconds": seconds,
        "days": days,
        "dollars": days * 24 * cluster["gpus"] * cluster["dollars_per_gpu_hour"],
    }
