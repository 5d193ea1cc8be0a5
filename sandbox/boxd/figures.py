"""What a boxd's status comes to in numbers, for metrics: no names of boxes, nothing of a learner's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.boxd.client import boxd_status


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxdFigures:
    """Of one moment, but for `boxes_ended`: by status, since boxd began.

    `boxes`, `pods`: running, by backend. `warm`: by backend and stack, how many templates and waiting containers can
    give a box without imports now; `warm_refused`: where none can be made, so that boxes start cold.
    `leases_waiting`: of cores or GPUs; `longest_wait_s`: of those, 0 if none waits.
    """

    boxes: Mapping[str, int]
    boxes_ended: Mapping[str, int]
    pods: Mapping[str, int]
    warm: Mapping[tuple[str, str], int]
    warm_refused: frozenset[tuple[str, str]]
    cores: int
    cores_leased: int
    gpus: int
    gpus_leased: int
    leases_held: int
    leases_waiting: int
    longest_wait_s: float


def boxd_figures(path: str) -> BoxdFigures:
    """Ask the boxd at `path`: one short message each way. Raises SandboxUnavailable."""
    return figures_of(boxd_status(path))


def figures_of(status: Mapping[str, Any]) -> BoxdFigures:
    """From what `boxd_status` says."""
    held = [lease for lease in status["leases"] if not lease["waiting"]]
    waits = [lease["age_s"] for lease in status["leases"] if lease["waiting"]]
    return BoxdFigures(
        boxes=_by_backend(status, "boxes"),
        boxes_ended=dict(status["ended"]),
        pods=_by_backend(status, "pods"),
        warm=Counter((name, stack) for name, warm in status["warm"].items() for stack in _ready(warm)),
        warm_refused=frozenset((name, no["stack"]) for name, warm in status["warm"].items() for no in warm["refused"]),
        cores=len(status["cores"]["all"]),
        cores_leased=sum(len(lease["cores"]) for lease in held),
        gpus=len(status["gpus"]),
        gpus_leased=sum(len(lease["gpus"]) for lease in held),
        leases_held=len(held),
        leases_waiting=len(waits),
        longest_wait_s=max(waits, default=0.0),
    )


def _by_backend(status: Mapping[str, Any], what: str) -> Mapping[str, int]:
    """Zero where a backend is open and has none: a series that comes and goes cannot be drawn."""
    return {**dict.fromkeys(status["backends"], 0), **Counter(each["backend"] for each in status[what])}


def _ready(warm: Mapping[str, Any]) -> list[str]:
    # Containers that wait without imports are not warm.
    waiting = [stack for stack in warm.get("ready", ()) if stack != "none"]
    return [each["stack"] for each in warm["templates"]] + waiting
