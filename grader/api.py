"""What a `judge.py` may import: the bench, the candidate, its errors, `measures`, and helpers for intervals.

A judge is `def judge(bench: Bench) -> None`. It draws hidden inputs from `bench.rng`, drives `bench.candidate()`,
compares with answers that it keeps, and reports each declared metric and check once. Let a CandidateError pass uncaught
unless the judge has something better to say: it becomes the verdict by itself. docs/grading.md has worked examples.
"""

from __future__ import annotations

from grader import measures
from grader.bench import Bench
from grader.candidate import Candidate, Server, TrainResult
from grader.errors import CandidateError, Crashed, OutOfMemory, Rejected, TimedOut, WrongAnswer
from grader.load.plan import Request, poisson_arrivals
from grader.load.result import Accounts, LoadResult, Response
from grader.rng import Rng
from grader.stats import mean_ci95, proportion_ci95
from grader.tensors import read_safetensors, write_safetensors

__all__ = [
    "Accounts",
    "Bench",
    "Candidate",
    "CandidateError",
    "Crashed",
    "LoadResult",
    "OutOfMemory",
    "Rejected",
    "Request",
    "Response",
    "Rng",
    "Server",
    "TimedOut",
    "TrainResult",
    "WrongAnswer",
    "mean_ci95",
    "measures",
    "poisson_arrivals",
    "proportion_ci95",
    "read_safetensors",
    "write_safetensors",
]
