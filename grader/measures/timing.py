"""Ratios of times: candidate and baseline in equal boxes, turn by turn, with the baseline's own repeat as a control."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from grader.errors import InfraError
from grader.measures.measure import Measure
from grader.stats import median_ci95

MIN_ROUNDS = 5
STEADY = (0.9, 1.1)  # where the baseline against itself must lie; identical code gives 0.95-1.02 of CPU time
SHORTEST_WALL_S = 0.05

Clock = Literal["cpu", "wall"]
Kind = Literal["cost", "speedup"]


class Unsteady(InfraError):  # noqa: N818  a state of the machine, named as judges speak of it
    """The machine disturbs what is measured: the run is made again, not guessed. No fault of the learner's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Seconds that a whole box used for one turn, read outside it. Raises ValueError unless both are positive."""

    cpu_s: float
    wall_s: float

    def __post_init__(self) -> None:
        if not (self.cpu_s > 0 and self.wall_s > 0):
            raise ValueError(f"a turn of {self.cpu_s} CPU and {self.wall_s} wall seconds is too short to be read")

    def seconds(self, clock: Clock) -> float:
        return self.cpu_s if clock == "cpu" else self.wall_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """A turn of each side, side by side. `repeat`: the baseline once more, in a box of its own; not in every round."""

    candidate: Reading
    baseline: Reading
    repeat: Reading | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The baseline's repeat over the baseline: 1 on a machine that can measure."""

    ratio: float
    ci95: tuple[float, float]
    rounds: int

    @property
    def holds(self) -> bool:
        return STEADY[0] <= self.ratio <= STEADY[1]


def cpu_ratio(rounds: Sequence[Round], kind: Kind = "cost") -> Measure:
    """CPU seconds of the candidate over the baseline's ("cost"), or the inverse ("speedup"): median of the rounds.

    Raises Unsteady when the calibration does not hold; ValueError for fewer than five rounds, or five with a repeat.
    """
    return _ratio(rounds, "cpu", kind)


def wall_ratio(rounds: Sequence[Round], kind: Kind = "cost") -> Measure:
    """As cpu_ratio, by the wall clock: for GPUs, with the device synchronised before each end.

    Raises ValueError as well when a turn of the baseline took less than 50 ms: batch more work into it.
    """
    shortest = min((one.baseline.wall_s for one in rounds), default=0.0)
    if shortest < SHORTEST_WALL_S:
        raise ValueError(f"the baseline's shortest turn took {shortest:.4f} s; a wall time needs {SHORTEST_WALL_S} s")
    return _ratio(rounds, "wall", kind)


def calibrate(rounds: Sequence[Round], clock: Clock) -> Calibration:
    """The baseline against itself. Raises ValueError for fewer than five rounds with a repeat."""
    pairs = [(one.repeat, one.baseline) for one in rounds if one.repeat is not None]
    ratios = [again.seconds(clock) / first.seconds(clock) for again, first in pairs]
    if len(ratios) < MIN_ROUNDS:
        raise ValueError(f"a calibration needs {MIN_ROUNDS} rounds with a repeat; there are {len(ratios)}")
    return Calibration(ratio=median(ratios), ci95=median_ci95(ratios), rounds=len(ratios))


def round_ratios(rounds: Sequence[Round], clock: Clock, kind: Kind) -> list[float]:
    """One ratio a round: what a slow minute does to both sides cancels out."""
    pairs = [(one.candidate.seconds(clock), one.baseline.seconds(clock)) for one in rounds]
    return [mine / base if kind == "cost" else base / mine for mine, base in pairs]


def require_steady(before: bool, after: bool) -> None:
    """Guard an absolute wall-clock bar: our own reference must clear it just before and just after, on the same cores.

    Raises Unsteady.
    """
    if not (before and after):
        when = " and ".join(word for word, ok in (("before", before), ("after", after)) if not ok)
        raise Unsteady(f"our own reference missed the bar {when} the measurement: the machine is too busy")


def _ratio(rounds: Sequence[Round], clock: Clock, kind: Kind) -> Measure:
    calibration = calibrate(rounds, clock)
    if not calibration.holds:
        raise Unsteady(
            f"the baseline against itself took {calibration.ratio:.2f} times as long ({clock} time, median of"
            f" {calibration.rounds}); it must lie in {STEADY[0]}-{STEADY[1]}: free the machine's cores, and try again"
        )
    ratios = round_ratios(rounds, clock, kind)
    return Measure(value=median(ratios), unit="x", provenance="observed", samples=len(ratios), ci95=median_ci95(ratios))
