"""Bounds of a Celery task, above all that an honest run may take: the last net, for a worker that hangs."""

from __future__ import annotations

from grader.cells import CELL_WALL_S
from lessons.schema import Manifest
from sandbox.leases import LONGEST_WAIT_S
from webapp.catalog.course import course
from webapp.submissions.execution import DRAIN_S

FLOOR_S = 2 * 3600.0  # a course that changes while workers run rarely needs more
MARGIN_S = 600.0  # to start and end boxes, to write the result


def longest_run_s() -> float:
    """Wall seconds of the longest run of the course as it is now, with its waits for cores and for a GPU."""
    manifests = [exercise.manifest for lesson in course().lessons for exercise in lesson.exercises]
    return max([CELL_WALL_S, *(judge_seconds(manifest) for manifest in manifests)]) + 2 * LONGEST_WAIT_S


def judge_seconds(manifest: Manifest) -> float:
    return max(manifest.limits_for(tier).judge_seconds for tier in manifest.tiers)


def task_limits() -> tuple[float, float]:
    """Soft and hard limit of a task, in seconds: at the first a run is given back, at the second its lease runs out."""
    soft = max(FLOOR_S, longest_run_s() + DRAIN_S + MARGIN_S)
    return soft, soft + 60.0
