"""Which hints a learner gets: chosen by what failed, and by the value it had."""

from __future__ import annotations

from collections.abc import Sequence

from grader.report import CheckResult, MetricResult
from lessons.schema import Hint, Manifest, Verdict


def choose_hints(
    manifest: Manifest, verdict: Verdict, metrics: Sequence[MetricResult], checks: Sequence[CheckResult]
) -> list[str]:
    """In the order of the file: for the verdict, for each failed check, and for each metric that missed its threshold.

    Of a metric's hints with conditions the first that fits is chosen, and those without conditions are shown beside it.
    """
    failed_checks = {check.name for check in checks if not check.passed}
    failed_metrics = {metric.name: metric.value for metric in metrics if metric.passed is False}
    explained: set[str] = set()
    texts = []
    for hint in manifest.hint:
        if hint.when in failed_metrics:
            if not _applies(hint, failed_metrics[hint.when], explained):
                continue
            texts.append(hint.text.replace("{value}", f"{failed_metrics[hint.when]:.4g}"))
        elif hint.when == verdict or hint.when in failed_checks:
            texts.append(hint.text)
    return texts


def _applies(hint: Hint, value: float, explained: set[str]) -> bool:
    """Notes in `explained` that a conditional hint of this metric was chosen."""
    if not hint.is_conditional:
        return True
    if hint.when in explained or not hint.fits(value):
        return False
    explained.add(hint.when)
    return True
