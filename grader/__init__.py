"""Drives a learner's program through a narrow protocol, measures it, and writes a Report."""

from __future__ import annotations

from grader.cells import CellResult, run_cell
from grader.confirmation import confirm_report, grade_certified
from grader.errors import InfraError, SubmissionError
from grader.events import Event, LogEvent, OutputEvent, ProgressEvent
from grader.grading import grade
from grader.report import CheckResult, MetricResult, Report, Usage
from sandbox import SandboxUnavailable

__all__ = [
    "CellResult",
    "CheckResult",
    "Event",
    "InfraError",
    "LogEvent",
    "MetricResult",
    "OutputEvent",
    "ProgressEvent",
    "Report",
    "SandboxUnavailable",
    "SubmissionError",
    "Usage",
    "confirm_report",
    "grade",
    "grade_certified",
    "run_cell",
]
