"""What the sandbox wants to reach on any machine, judged from one run's own figures."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sandbox.bench.contenders import BARE, NSJAIL, OURS
from sandbox.bench.results import Measured
from sandbox.bench.stats import overhead_ratio, times

TRUE_GROUP, PASS_GROUP = "start_to_exit_true", "start_to_exit_python_pass"
TORCH_GROUP, TRANSFORMERS_GROUP = "first_line_torch", "first_line_transformers"
TORCH_DOCKER_GROUP = "first_line_torch_docker"
COLD_PROCESS, COLD_BOX, WARM_BOX = "cold process", "cold box", "warm box"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """`value` is None where it could not be measured; then `met` is None, too. `unit`: "times" or "ms"."""

    name: str
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    value: float | None

    @property
    def met(self) -> bool | None:
        if self.value is None:
            return None
        low_enough = self.at_most is None or self.value <= self.at_most
        return low_enough and (self.at_least is None or self.value >= self.at_least)

    def as_json(self) -> dict[str, Any]:
        value = None if self.value is None else round(self.value, 3)
        return {**asdict(self), "value": value, "met": self.met}


def goals(measured: Measured) -> list[Goal]:
    return [
        Goal(
            name="overhead of a bubblewrap box on `true`, beside nsjail's", unit="times", at_most=1.5,
            value=_overhead(measured),
        ),
        *_warm_goals(measured, TORCH_GROUP, "torch", at_least=40, at_most_ms=50),
        *_warm_goals(measured, TRANSFORMERS_GROUP, "transformers + peft", at_least=60, at_most_ms=100),
    ]  # fmt: skip


def _overhead(measured: Measured) -> float | None:
    ours, peer, bare = (measured.median_ms(TRUE_GROUP, case) for case in (OURS, NSJAIL, BARE))
    if ours is None or peer is None or bare is None:
        return None
    return overhead_ratio(box=ours, peer=peer, bare=bare)


def _warm_goals(measured: Measured, group: str, what: str, *, at_least: float, at_most_ms: float) -> list[Goal]:
    cold, warm = measured.median_ms(group, COLD_PROCESS), measured.median_ms(group, WARM_BOX)
    faster = None if cold is None or warm is None else times(cold, warm)
    return [
        Goal(
            name=f"a cold process that imports {what}, beside a warm box", unit="times", at_least=at_least, value=faster
        ),
        Goal(name=f"a warm box's first line with {what}", unit="ms", at_most=at_most_ms, value=warm),
    ]
