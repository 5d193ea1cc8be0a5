"""Counts: bytes, calls, operations. They have no noise, so they have no interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grader.measures.measure import Measure
from grader.tensors import read_layout
from lessons.schema import Provenance


def count(number: int, unit: str, provenance: Provenance) -> Measure:
    """Calls, tokens, bytes of collective traffic, FLOPs: whatever was counted, and by whom.

    "observed" when the judge counted it on its side; "instrumented" when code inside the learner's process did.
    Raises ValueError unless it is a whole number, not negative.
    """
    return Measure(value=_whole(number), unit=unit, provenance=provenance, samples=1)


def count_ratio(number: int, baseline: int, provenance: Provenance) -> Measure:
    """A count over the baseline's. Raises ValueError when the baseline's is 0."""
    if _whole(baseline) == 0:
        raise ValueError("the baseline's count is 0: there is nothing to compare with")
    return Measure(value=_whole(number) / baseline, unit="x", provenance=provenance, samples=1)


def peak_memory(bytes_per_rank: Sequence[int]) -> Measure:
    """The peak of the rank that needed most, in bytes: from its cgroup or /proc, on a GPU from NVML.

    Raises ValueError without a rank.
    """
    return Measure(value=_largest(bytes_per_rank), unit="bytes", provenance="observed", samples=len(bytes_per_rank))


def peak_memory_ratio(bytes_per_rank: Sequence[int], baseline: Sequence[int]) -> Measure:
    """The neediest rank's peak over that of the baseline's neediest. Raises ValueError without a rank."""
    ratio = _largest(bytes_per_rank) / _largest(baseline)
    return Measure(value=ratio, unit="x", provenance="observed", samples=len(bytes_per_rank))


def artefact_bytes(artefacts: Mapping[str, bytes]) -> Measure:
    """Of all files together, as they left the box."""
    return Measure(value=sum(map(len, artefacts.values())), unit="bytes", provenance="observed", samples=1)


def state_bytes(state_per_rank: Sequence[bytes]) -> Measure:
    """Tensor bytes of the largest rank's safetensors file: for instance its share of the optimizer's state.

    Raises WrongAnswer for a malformed file, ValueError without a rank.
    """
    sizes = [sum(place.size for place in read_layout(data).tensors.values()) for data in state_per_rank]
    return Measure(value=_largest(sizes), unit="bytes", provenance="recomputed", samples=len(sizes))


def matmul_flops(rows: int, inner: int, columns: int) -> int:
    """Operations of one matrix product: a multiplication and an addition for each of rows x inner x columns."""
    return 2 * rows * inner * columns


def transformer_flops(parameters: int, tokens: int, *, training: bool) -> int:
    """About 2 operations a parameter and token forward, 6 with the backward pass; attention's own not counted.

    Kaplan et al., Scaling Laws for Neural Language Models (arXiv:2001.08361), section 2.1.
    """
    return (6 if training else 2) * parameters * tokens


def _whole(number: int) -> int:
    if type(number) is not int or number < 0:
        raise ValueError(f"a count is a whole number from 0 on, not {number!r}")
    return number


def _largest(values: Sequence[int]) -> int:
    if not values:
        raise ValueError("there is no rank to measure")
    return max(_whole(value) for value in values)
