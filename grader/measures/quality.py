"""Quality, scored by the judge on data that it keeps: all of it is recomputed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

from grader.errors import WrongAnswer
from grader.measures.measure import Measure
from grader.stats import Z95, mean_ci95, proportion_ci95


def mean_loss(losses: Sequence[float]) -> Measure:
    """Mean negative log-likelihood, in nats.

    Raises WrongAnswer for a loss that is not finite, which is the model's doing; ValueError for fewer than two.
    """
    _require_finite(losses)
    return Measure(
        value=fmean(losses), unit="nats", provenance="recomputed", samples=len(losses), ci95=mean_ci95(losses)
    )


def bits_per_byte(nats: Sequence[float], sizes: Sequence[int]) -> Measure:
    """Loss that does not depend on the tokenizer: total nats of each document, and its length in UTF-8 bytes.

    Raises WrongAnswer for a loss that is not finite; ValueError for fewer than two documents, lists of unequal length,
    or an empty document.
    """
    if len(nats) != len(sizes) or min(sizes, default=0) < 1:
        raise ValueError("bits per byte need the loss and the length of each document; none may be empty")
    _require_finite(nats)
    return _ratio_of_sums(nats, sizes, "nats/byte").scaled(1 / math.log(2), "bits/byte")


def share(successes: int, total: int) -> Measure:
    """A share with Wilson's interval. Raises ValueError unless 0 ≤ successes ≤ total and total > 0."""
    interval = proportion_ci95(successes, total)
    return Measure(value=successes / total, unit="share", provenance="recomputed", samples=total, ci95=interval)


def exact_match(answers: Sequence[object], wanted: Sequence[object]) -> Measure:
    """The share of answers that are equal to what was wanted, of the same types all the way down.

    For plain values (text, numbers, lists, dicts): take `.tolist()` of an array. Raises ValueError for unequal lengths.
    """
    if len(answers) != len(wanted):
        raise ValueError(f"{len(answers)} answers for {len(wanted)} questions")
    return share(sum(_same(answer, right) for answer, right in zip(answers, wanted, strict=True)), len(wanted))


def agreement(answers: Sequence[object], reference: Sequence[Sequence[object]]) -> Measure:
    """The share of positions (tokens) at which an answer says what the reference says, over all sequences.

    A position that only one of the two has is no agreement. Positions of one sequence hang together, so the interval
    counts sequences. Take `.tolist()` of arrays. Raises WrongAnswer for an answer that is no sequence; ValueError for
    fewer than two sequences, unequal numbers of them, or an empty reference.
    """
    if len(answers) != len(reference) or min(map(len, reference), default=0) < 1:
        raise ValueError(f"{len(answers)} answers for {len(reference)} references; none of these may be empty")
    pairs = [(_sequence(answer), right) for answer, right in zip(answers, reference, strict=True)]
    same = [sum(map(_same, answer, right)) for answer, right in pairs]
    return _ratio_of_sums(same, [max(len(answer), len(right)) for answer, right in pairs], "share")


def pass_at_k(results: Sequence[tuple[int, int]], k: int) -> Measure:
    """The chance that one of k programs is right: for each problem (n programs drawn, c of them right).

    Unbiased: 1 - C(n-c, k) / C(n, k), averaged over problems (Chen et al., Evaluating Large Language Models Trained on
    Code, arXiv:2107.03374, equation 1). Raises ValueError for fewer than two problems, or n < k.
    """
    if k < 1 or any(n < k or not 0 <= c <= n for n, c in results):
        raise ValueError(f"pass@{k} needs at least {k} programs a problem, and 0 ≤ right ≤ drawn")
    chances = [1 - math.comb(n - c, k) / math.comb(n, k) for n, c in results]
    low, high = mean_ci95(chances)
    return Measure(
        value=fmean(chances),
        unit="share",
        provenance="recomputed",
        samples=len(chances),
        ci95=(max(0.0, low), min(1.0, high)),
    )


def _sequence(answer: object) -> Sequence[object]:
    if not isinstance(answer, Sequence):
        raise WrongAnswer(f"an answer must be a list, not {type(answer).__name__}")
    return answer


def _same(answer: object, right: object) -> bool:
    """Never by an operator of the answer's own: what `right` is not made of (an array) cannot be equal to it."""
    if type(answer) is not type(right):
        return False
    if isinstance(answer, list | tuple) and isinstance(right, list | tuple):
        return len(answer) == len(right) and all(map(_same, answer, right))
    if isinstance(answer, dict) and isinstance(right, dict):
        return answer.keys() == right.keys() and all(_same(answer[key], right[key]) for key in right)
    return bool(answer == right)


def _ratio_of_sums(parts: Sequence[float], wholes: Sequence[int], unit: str) -> Measure:
    """With the ratio estimator's interval (Cochran, Sampling Techniques, 3rd edition, section 2.11)."""
    n = len(parts)
    if n < 2:
        raise ValueError("an interval needs at least two values")
    total = sum(wholes)
    ratio = sum(parts) / total
    residual = sum((part - ratio * whole) ** 2 for part, whole in zip(parts, wholes, strict=True))
    half = Z95 * math.sqrt(residual * n / (n - 1)) / total
    return Measure(value=ratio, unit=unit, provenance="recomputed", samples=n, ci95=(ratio - half, ratio + half))


def _require_finite(losses: Sequence[float]) -> None:
    if not all(map(math.isfinite, losses)):
        raise WrongAnswer("the model's loss is not a finite number: it computes NaN or infinity")
