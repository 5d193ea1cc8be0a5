"""What every rank of a training job has to hold."""

from __future__ import annotations

from jobs import PARTS, SEVEN_BILLION, SMALL, show

STATE_BYTES = {"sgd": 0, "momentum": 4, "adam": 8, "adam8bit": 2}
SHARDED_FROM = {"optimizer": 1, "gradients": 2, "weights": 3}  # the first stage that divides a part by the ranks


def plan(job):
    """Bytes per rank on the device, as a dict with the keys weights, gradients, optimizer and activations."""
    per_parameter = {
        "weights": job["weight_bytes"],
        "gradients": job["gradient_bytes"],
        "optimizer": STATE_BYTES[job["optimizer"]],
    }
    parts = {
        name: job["params"] * count / (job["ranks"] if job["stage"] >= SHARDED_FROM[name] else 1)
        for name, count in per_parameter.items()
    }
    if job["stage"] == 3 and job["ranks"] > 1:
        parts["weights"] += 2 * job["block_params"] * job["weight_bytes"]  # one that computes, one that is fetched
    if job["offload"]:
        parts["optimizer"] = 0
    return {**parts, "activations": activations(job)}


def activations(job):
    """16-bit activations with an attention that never stores its matrix: 34 bytes a token, feature and block."""
    block = 34 * job["sequence"] * job["batch"] * job["hidden"]
    if not job["checkpointing"]:
        return block * job["layers"]
    inputs = 2 * job["sequence"] * job["batch"] * job["hidden"] * job["layers"]
    return inputs + block  # the one that is being computed again


def smallest_stage(job, memory_bytes):
    """The smallest stage whose parts together need at most 90 % of the memory; None where no stage fits."""
    for stage in range(4):
        parts = plan({**job, "stage": stage})
        if sum(parts[name] for name in PARTS) <= 0.9 * memory_bytes:
            return stage
    return None


if __name__ == "__main__":
    for stage in range(4):
        show(plan, {**SEVEN_BILLION, "stage": stage})
    show(plan, SMALL)
    print("smallest stage for 80 GB:", smallest_stage(SEVEN_BILLION, 80e9))
