"""`grade`: one submission, one tier, one Report. Used alike by the worker, the command line and the tests."""

from __future__ import annotations

import logging
import secrets
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

from grader import assets
from grader.errors import JudgeError, SubmissionError
from grader.events import Event, LogEvent
from grader.gpu.own import NO_GPU, has_gpu
from grader.judge_process import Cancelled, Watch, run_judge
from grader.report import MAX_TAIL_LINES, Report, Usage
from grader.verdict import Conclusion, conclude
from grader.wire import Broken, Final, Judged, JudgeRequest
from lessons.loader import Exercise
from lessons.schema import Tier, Verdict
from sandbox import SandboxUnavailable

logger = logging.getLogger(__name__)

OUR_FAULT = "The grader could not finish this run. That is our fault, not yours: nothing was counted. Please try again."
_NO_USAGE = Usage(wall_s=0.0, cpu_s=0.0, peak_memory_bytes=0)
_TAIL_BYTES = 64 * 1024


def grade(
    exercise: Exercise,
    files: Mapping[str, bytes],
    *,
    tier: str,
    backend: str = "bubblewrap",
    seed: int | None = None,
    certified: bool = False,
    on_event: Callable[[Event], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Report:
    """Grade a submission. `files` holds exactly the editable files; `seed` is the run's secret, drawn when None.

    `certified`: for leaderboards and certificates; every box starts cold.

    Whatever the learner's program does is a verdict. What goes wrong on our side while it runs is an `infra_error`
    Report, with the reason in the log of this module. Before anything runs it raises SubmissionError for a submission
    that cannot be graded, InfraError where the lab or an asset is missing, SandboxUnavailable where no box can be had.
    `on_event` may be called from several threads, one at a time.
    """
    chosen = _check(exercise, files, tier)
    tail = LogTail(on_event)
    request = JudgeRequest(
        exercise=exercise.key,
        judge=exercise.folder / "judge.py",
        manifest=exercise.manifest,
        tier=chosen,
        seed=secrets.randbits(63) if seed is None else seed,
        files={**_readonly(exercise), **files},
        assets=_locate(exercise),
        backend=backend,
        certified=certified,
    )
    watch = Watch(
        on_event=tail.event,
        cancelled=cancelled or (lambda: False),
        wall_s=exercise.manifest.limits_for(chosen).judge_seconds,
        show_prints=chosen == "smoke",
    )
    conclusion, usage = _conclude(exercise, chosen, request, watch)
    return _report(request, conclusion, usage, tail)


def _report(request: JudgeRequest, conclusion: Conclusion, usage: Usage, tail: LogTail) -> Report:
    return Report(
        exercise=request.exercise,
        tier=request.tier,
        verdict=conclusion.verdict,
        score=conclusion.score,
        metrics=conclusion.metrics,
        checks=conclusion.checks,
        usage=usage,
        seed=request.seed,
        log_tail=tail.lines(),
        hints=conclusion.hints,
        distinction=conclusion.distinction,
        message=conclusion.message,
        certified=request.certified,
    )


def _check(exercise: Exercise, files: Mapping[str, bytes], tier: str) -> Tier:
    manifest = exercise.manifest
    if tier not in manifest.tiers:
        raise SubmissionError(f"{exercise.key} has no tier {tier!r}: choose one of {', '.join(manifest.tiers)}")
    if tier == "gpu" and not has_gpu():
        raise SubmissionError(NO_GPU)
    missing = [name for name in manifest.files.editable if name not in files]
    extra = [name for name in files if name not in manifest.files.editable]
    if missing or extra:
        raise SubmissionError(f"{exercise.key} wants exactly its editable files: missing {missing}, not wanted {extra}")
    limit = manifest.limits.file_kb * 1024
    for name, data in files.items():
        if len(data) > limit:
            raise SubmissionError(f"{name} has {len(data)} bytes; the limit is {limit}")
    return tier


def _readonly(exercise: Exercise) -> dict[str, bytes]:
    return {name: exercise.starter[name].encode() for name in exercise.manifest.files.readonly}


def _locate(exercise: Exercise) -> dict[str, Path]:
    return {name: assets.locate(name).resolve() for name in exercise.manifest.assets}


def _conclude(exercise: Exercise, tier: Tier, request: JudgeRequest, watch: Watch) -> tuple[Conclusion, Usage]:
    try:
        final = run_judge(request, watch)
    except Cancelled:
        return _nothing("cancelled", "The run was cancelled."), _NO_USAGE
    if isinstance(final, Judged):
        try:
            return conclude(exercise.manifest, tier, final.measured, final.fault), final.measured.usage
        except (JudgeError, ValueError) as error:
            final = Broken(kind="judge", text=str(error))
    _report_broken(exercise, final)
    return _nothing("infra_error", OUR_FAULT), _NO_USAGE


def _report_broken(exercise: Exercise, final: Final) -> None:
    assert isinstance(final, Broken)
    if final.kind == "unavailable":
        raise SandboxUnavailable(final.text)
    logger.error("%s: %s", exercise.key, final.text)


def _nothing(verdict: Verdict, message: str) -> Conclusion:
    return Conclusion(verdict=verdict, score=0.0, metrics=[], checks=[], hints=[], distinction=False, message=message)


class LogTail:
    """Passes events on, one at a time, and keeps the last lines for the Report."""

    def __init__(self, on_event: Callable[[Event], None] | None) -> None:
        self._on_event = on_event
        self._lock = threading.Lock()
        self._lines: deque[str] = deque(maxlen=MAX_TAIL_LINES)

    def event(self, event: Event) -> None:
        with self._lock:
            if isinstance(event, LogEvent):
                self._lines.append(f"[{event.stream}] {event.text}"[:2100])
            if self._on_event is not None:
                self._on_event(event)

    def lines(self) -> list[str]:
        """At most 64 KiB, the last ones."""
        kept: deque[str] = deque()
        room = _TAIL_BYTES
        for line in reversed(self._lines):
            room -= len(line.encode()) + 8
            if room < 0:
                break
            kept.appendleft(line)
        return list(kept)
