"""Asks for plans of jobs drawn for this run, and compares each part with the formulas of the lesson.

A part's error is taken relative to the job's total, so that a part which is nearly nothing cannot decide. Memory for
`smallest_stage` is drawn so that no stage's total lies within 6 % of what is allowed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from grader.api import Bench, Candidate, Rng, WrongAnswer

PARTS = ("weights", "gradients", "optimizer", "activations")
STATE_BYTES = {"sgd": 0, "momentum": 4, "adam": 8, "adam8bit": 2}
USABLE = 0.9
CLEARANCE = 0.06
CALL_SECONDS = 5.0
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


def judge(bench: Bench) -> None:
    candidate = bench.candidate()
    known = [planned(candidate, {**SEVEN_BILLION, "stage": stage}) for stage in range(4)]
    chosen = candidate.call("smallest_stage", dict(SEVEN_BILLION), 80_000_000_000, timeout_s=CALL_SECONDS)
    feedback = (
        f"errors by stage: {', '.join(f'{error:.1f} %' for error in known)}; smallest stage for 80 GB: {chosen!r}"
    )
    bench.check("seven_billion_on_eight", max(known) <= 2.0 and is_stage(chosen, 1), feedback)

    errors, right = list[float](), 0
    count = int(bench.sizes["jobs"])
    for number in range(count):
        rng = bench.rng.child(f"job-{number}")
        job = draw_job(rng)
        errors.append(planned(candidate, job))
        memory, wanted = draw_memory(rng, job)
        right += is_stage(candidate.call("smallest_stage", {**job, "stage": 0}, memory, timeout_s=CALL_SECONDS), wanted)
    bench.metric("worst_error", max(errors), samples=count)
    bench.metric("stages_right", right / count, samples=count)


def draw_job(rng: Rng) -> dict[str, Any]:
    """A transformer of plausible shape; every option is drawn on its own."""
    hidden = 64 * round(2 ** (3 + 5 * rng.random()))
    layers = 8 + int(rng.random() * 72)
    block_params = int(12 * hidden * hidden * (0.8 + 0.6 * rng.random()))
    wide = rng.random() < 0.6
    return {
        "params": layers * block_params + int(hidden * 32_000 * (1 + 3 * rng.random())),
        "ranks": 2 ** (1 + int(rng.random() * 8)),
        "stage": int(rng.random() * 4),
        "weight_bytes": 2 if wide else 4,
        "gradient_bytes": 4 if rng.random() < 0.4 else 2,
        "master_copy": wide and rng.random() < 0.8,
        "optimizer": list(STATE_BYTES)[int(rng.random() * 4)],
        "offload": rng.random() < 0.2,
        "layers": layers,
        "hidden": hidden,
        "block_params": block_params,
        "sequence": 512 * 2 ** int(rng.random() * 5),
        "batch": 1 + int(rng.random() * 4),
        "checkpointing": rng.random() < 0.6,
    }


def expected(job: Mapping[str, Any]) -> dict[str, float]:
    stage, share = job["stage"], 1 / job["ranks"]
    weights = job["params"] * job["weight_bytes"] * (share if stage == 3 else 1)
    if stage == 3 and job["ranks"] > 1:
        weights += 2 * job["block_params"] * job["weight_bytes"]
    state = STATE_BYTES[job["optimizer"]] + (4 if job["master_copy"] else 0)
    token_features = job["sequence"] * job["batch"] * job["hidden"]
    kept = 2 * job["layers"] + 34 if job["checkpointing"] else 34 * job["layers"]
    return {
        "weights": weights,
        "gradients": job["params"] * job["gradient_bytes"] * (share if stage >= 2 else 1),
        "optimizer": 0 if job["offload"] else job["params"] * state * (share if stage >= 1 else 1),
        "activations": token_features * kept,
    }


def planned(candidate: Candidate, job: dict[str, Any]) -> float:
    """The largest error of a part of the candidate's plan, in percent of the job's true total."""
    answer = read_plan(candidate.call("plan", dict(job), timeout_s=CALL_SECONDS))
    truth = expected(job)
    return 100 * max(abs(answer[name] - truth[name]) for name in PARTS) / sum(truth.values())


def read_plan(answer: object) -> dict[str, float]:
    """Raises WrongAnswer unless it is a dict of the four parts, each a finite number that is not negative."""
    if not isinstance(answer, dict) or set(answer) != set(PARTS):
        raise WrongAnswer(f"plan must return a dict with exactly the keys {', '.join(PARTS)}")
    for name in PARTS:
        value = answer[name]
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e30:
            raise WrongAnswer(f"plan returned {str(value)[:40]!r} for {name}; it must be a number of bytes")
    return {name: float(answer[name]) for name in PARTS}


def is_stage(answer: object, wanted: int | None) -> bool:
    if answer is not None and (isinstance(answer, bool) or not isinstance(answer, int)):
        raise WrongAnswer(f"smallest_stage must return 0, 1, 2, 3 or None; it returned {str(answer)[:40]!r}")
    return answer == wanted


def draw_memory(rng: Rng, job: Mapping[str, Any]) -> tuple[int, int | None]:
    """Memory of a rank in bytes, and the smallest stage that fits into it: each answer is as likely as the others."""
    totals = [sum(expected({**job, "stage": stage}).values()) for stage in range(4)]
    edges = [(total * (1 - CLEARANCE), total * (1 + CLEARANCE)) for total in totals]
    low, high = math.log(min(totals) * 0.5), math.log(max(totals) * 2)
    for _ in range(1000):
        usable = math.exp(low + (high - low) * rng.random())
        if not any(below < usable < above for below, above in edges):
            break
    else:
        usable = max(totals) * 2
    fits = [stage for stage, total in enumerate(totals) if total <= usable]
    return int(usable / USABLE), fits[0] if fits else None
