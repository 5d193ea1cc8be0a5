"""What every rank of a training job has to hold. Make `plan` and `smallest_stage` right for every job.

Run this file (`python plan.py`) to see your plan for two jobs.
"""

from __future__ import annotations

from jobs import SEVEN_BILLION, SMALL, show


def plan(job):
    """Bytes per rank on the device, as a dict with the keys weights, gradients, optimizer and activations.

    job: see jobs.py. The prompt has the rule of each part.
    """
    params = job["params"]
    return {
        "weights": params * job["weight_bytes"],
        "gradients": params * job["gradient_bytes"],
        "optimizer": params * 8,  # right for one optimizer, at one stage, without a master copy
        "activations": 34 * job["sequence"] * job["batch"] * job["hidden"] * job["layers"],
    }


def smallest_stage(job, memory_bytes):
    """The smallest stage, 0 to 3, whose parts together need at most 90 % of the memory; None where no stage fits.

    job["stage"] is to be ignored here.
    """
    return 3


if __name__ == "__main__":
    for stage in range(4):
        show(plan, {**SEVEN_BILLION, "stage": stage})
    show(plan, SMALL)
    print("smallest stage for 80 GB:", smallest_stage(SEVEN_BILLION, 80e9))
