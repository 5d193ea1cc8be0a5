"""A measured number, with all that is needed to believe it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from lessons.schema import Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What `bench.metric(name, measure)` takes; the unit must be that of the manifest.

    `samples`: how many observations it rests on. `ci95`: their spread, as an interval of the value; None where there is
    none, because the number was counted. Raises ValueError for what is not finite, or an interval upside down.
    """

    value: float
    unit: str
    provenance: Provenance
    samples: int | None = None
    ci95: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        numbers = (self.value, *(self.ci95 or ()))
        if not all(math.isfinite(number) for number in numbers):
            raise ValueError(f"the value or its interval is not finite: {numbers}")
        if self.ci95 is not None and self.ci95[0] > self.ci95[1]:
            raise ValueError(f"the interval {self.ci95} is upside down")
        if self.samples is not None and self.samples < 1:
            raise ValueError(f"a measure rests on at least one sample, not {self.samples}")

    def scaled(self, factor: float, unit: str) -> Measure:
        """The same in another unit: `seconds.scaled(1000, "ms")`. Raises ValueError unless `factor` is positive."""
        if factor <= 0:
            raise ValueError(f"a unit's factor is positive, not {factor}")
        interval = None if self.ci95 is None else (self.ci95[0] * factor, self.ci95[1] * factor)
        return replace(self, value=self.value * factor, unit=unit, ci95=interval)
