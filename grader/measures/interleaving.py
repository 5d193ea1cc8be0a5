"""Which side runs next, and when enough is known. Pure: it reads no clock and starts no box."""

from __future__ import annotations

from statistics import median
from typing import Literal

from grader.measures.timing import MIN_ROUNDS, Clock, Reading, Round, calibrate, round_ratios
from grader.rng import Rng
from grader.stats import median_ci95

Side = Literal["candidate", "baseline", "repeat"]


def many_short_turns(rng: Rng) -> Interleaving:
    """What `bench.interleave` takes by itself: on a busy machine many short turns vary less than a few long ones.

    By CPU time, the same submission again and again varied by 3 % so, quiet and busy; 5 to 15 longer turns by 4 and 6 %
    (docs/measurements.md).
    """
    return Interleaving(rng, min_pairs=15, max_pairs=25, target_width=0.03)


class Interleaving:
    """Plans rounds in which each side has one turn, in random order.

    The first `min_pairs` rounds have a turn of the baseline's repeat as well: the calibration. Then it goes on until
    the interval of the median ratio is at most `target_width` wide (relative to the ratio), or `max_pairs` are done; it
    stops after `min_pairs` when the calibration does not hold, since more rounds cannot mend that.

        while (side := plan.next_side()) is not None:
            plan.record(turn_of(side))
        bench.metric("slowdown", cpu_ratio(plan.rounds))

    Raises ValueError for fewer than five pairs, or a width that is not positive.
    """

    def __init__(
        self, rng: Rng, *, clock: Clock = "cpu", min_pairs: int = 5, max_pairs: int = 15, target_width: float = 0.1
    ) -> None:
        if not MIN_ROUNDS <= min_pairs <= max_pairs or not target_width > 0:
            raise ValueError(f"{min_pairs} to {max_pairs} pairs until {target_width} wide: at least 5, and a width > 0")
        self._rng = rng
        self._clock: Clock = clock
        self._min_pairs = min_pairs
        self._max_pairs = max_pairs
        self._target_width = target_width
        self._turns: list[Side] = []
        self._current: dict[Side, Reading] = {}
        self._rounds: list[Round] = []

    @property
    def clock(self) -> Clock:
        """By which the turns will be compared."""
        return self._clock

    @property
    def rounds(self) -> tuple[Round, ...]:
        """Those that are complete."""
        return tuple(self._rounds)

    def next_side(self) -> Side | None:
        """Whose turn it is; None when enough is known. Asked again before `record`, it says the same."""
        if not self._turns and not self._is_done():
            self._turns = ["candidate", "baseline"]
            if len(self._rounds) < self._min_pairs:
                self._turns.append("repeat")
            self._rng.shuffle(self._turns)
        return self._turns[0] if self._turns else None

    def record(self, reading: Reading) -> None:
        """What the turn of `next_side()` used. Raises RuntimeError when it is nobody's turn."""
        if not self._turns:
            raise RuntimeError("record() without a turn: ask next_side() first")
        self._current[self._turns.pop(0)] = reading
        if not self._turns:
            self._rounds.append(Round(**self._current))
            self._current = {}

    def width(self) -> float:
        """Of the interval of the median ratio, relative to the ratio. Raises ValueError before the fifth round."""
        ratios = round_ratios(self._rounds, self._clock, "cost")
        low, high = median_ci95(ratios)
        return (high - low) / median(ratios)

    def _is_done(self) -> bool:
        done = len(self._rounds)
        if done < self._min_pairs:
            return False
        if done >= self._max_pairs or not calibrate(self._rounds, self._clock).holds:
            return True
        return self.width() <= self._target_width
