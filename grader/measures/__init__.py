"""From raw readings to a `Measure`: unit, samples, spread and provenance. Pure functions, for a judge to call.

What may be graded rests on its provenance: `observed` (read or counted outside the learner's process) and `recomputed`
(computed by the judge from an artefact) can; `instrumented` (counted inside it, so it can be forged) only beside one of
them at the same tier; `reported` (the program's own word) is shown and never graded.
"""

from __future__ import annotations

from grader.measures.counting import (
    artefact_bytes,
    count,
    count_ratio,
    matmul_flops,
    peak_memory,
    peak_memory_ratio,
    state_bytes,
    transformer_flops,
)
from grader.measures.interleaving import Interleaving, Side
from grader.measures.latency import PercentileBound, latency_percentile, percentile_under, throughput
from grader.measures.measure import Measure
from grader.measures.quality import agreement, bits_per_byte, exact_match, mean_loss, pass_at_k, share
from grader.measures.timing import (
    Calibration,
    Reading,
    Round,
    Unsteady,
    calibrate,
    cpu_ratio,
    require_steady,
    wall_ratio,
)
from grader.measures.trained import Trained, count_trained, other_dtypes, trained_share

__all__ = [
    "Calibration",
    "Interleaving",
    "Measure",
    "PercentileBound",
    "Reading",
    "Round",
    "Side",
    "Trained",
    "Unsteady",
    "agreement",
    "artefact_bytes",
    "bits_per_byte",
    "calibrate",
    "count",
    "count_ratio",
    "count_trained",
    "cpu_ratio",
    "exact_match",
    "latency_percentile",
    "matmul_flops",
    "mean_loss",
    "other_dtypes",
    "pass_at_k",
    "peak_memory",
    "peak_memory_ratio",
    "percentile_under",
    "require_steady",
    "share",
    "state_bytes",
    "throughput",
    "trained_share",
    "transformer_flops",
    "wall_ratio",
]
