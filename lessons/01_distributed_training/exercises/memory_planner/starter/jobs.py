"""Jobs to plan, and what the keys of one mean. Read it; a submission cannot change it.

    params            number of parameters of the model, of all ranks together
    ranks             number of ranks
    stage             0 (plain data parallelism), 1, 2 or 3 (ZeRO)
    weight_bytes      bytes of one weight as the layers use it: 2 (bf16) or 4 (fp32)
    gradient_bytes    bytes of one gradient: 2 or 4
    master_copy       True: the optimizer keeps an fp32 copy of each weight, 4 bytes
    optimizer         "sgd" (no state), "momentum" (one fp32 number), "adam" (two), "adam8bit" (two of one byte each)
    offload           True: the optimizer's state and master copy live in the host's memory
    layers, hidden    transformer blocks, and their width
    block_params      parameters of one block
    sequence, batch   tokens of a sequence, and sequences per rank
    checkpointing     True: a block keeps only its input, and is computed again when the backward pass needs it
"""

from __future__ import annotations

from typing import Any

SEVEN_BILLION: dict[str, Any] = {
    "params": 7_000_000_000,
    "ranks": 8,
    "stage": 0,
    "weight_bytes": 2,
    "gradient_bytes": 2,
    "master_copy": True,
    "optimizer": "adam",
    "offload": False,
    "layers": 32,
    "hidden": 4096,
    "block_params": 202_000_000,
    "sequence": 4096,
    "batch": 1,
    "checkpointing": True,
}
SMALL: dict[str, Any] = {
    **SEVEN_BILLION,
    "params": 124_000_000,
    "ranks": 2,
    "stage": 3,
    "weight_bytes": 4,
    "gradient_bytes": 4,
    "master_copy": False,
    "layers": 12,
    "hidden": 768,
    "block_params": 7_080_000,
    "sequence": 1024,
    "batch": 8,
    "checkpointing": False,
}
PARTS = ("weights", "gradients", "optimizer", "activations")


def show(plan: Any, job: dict[str, Any]) -> None:
    """Print a plan in GB, part by part."""
    parts = plan(job)
    line = "  ".join(f"{name} {parts[name] / 1e9:8.3f}" for name in PARTS)
    print(f"stage {job['stage']} on {job['ranks']} ranks:  {line}  total {sum(parts[name] for name in PARTS) / 1e9:8.3f} GB")
