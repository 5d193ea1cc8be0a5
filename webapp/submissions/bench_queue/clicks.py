"""From the click to the verdict through the site, beside what no site could go below: the same box, the same grade."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from grader.bench_grade.overhead import percentile
from grader.bench_grade.steadiness import CannotMeasure
from grader.boxes import guest_mounts, lab_dir
from grader.grading import grade
from grader.judge_start import READY
from lessons.loader import load_course
from sandbox import open_backend
from sandbox.bench.timing import Case, interleave
from sandbox.bench.warmth import Stack, WarmStarter
from webapp.submissions.bench_queue.learner import PROGRAM, Click, Learner
from webapp.submissions.bench_queue.site import LESSON, LESSONS, SLUG

Say = Callable[[str], None]
BOX, GRADE, SITE = "the box alone", "the grade alone", "through the site"
# The stack of the exercise: what a box of it has imported when it starts.
SCIENCE = Stack(warm="science", probe="numpy", imports="import numpy")
_REST_S = 1.0  # a learner reads a verdict for longer; the next judge gets ready meanwhile
_WARM_S = 120.0


@dataclass(slots=True)
class Clicks:
    """Each round times a box, a grade and a click in an order of its own."""

    learner: Learner
    clicks: list[Click] = field(default_factory=list)

    def measure(self, rounds: int, say: Say) -> dict[str, Any]:
        """To be called as a process of the site. Raises CannotMeasure, SandboxError."""
        box = WarmStarter(
            backend=open_backend(), python=str(lab_dir() / "bin" / "python"), mounts=guest_mounts(), stack=SCIENCE
        )
        if not box.await_ready(_WARM_S):
            raise CannotMeasure(f"no warm box within {_WARM_S:g} s: {box.why_cold()}")
        cases = [
            Case(name=BOX, sample=box.warm_box),
            Case(name=GRADE, sample=grade_nothing),
            Case(name=SITE, sample=self.click),
        ]
        with READY.kept():
            samples = interleave(
                cases,
                rounds,
                random.SystemRandom(),
                lambda number: say(f"click to verdict: round {number} of {rounds}"),
            )
        timed = self.clicks[-rounds:]  # the first is not timed by the others either
        return {
            "rounds": rounds,
            "floor": {name: figures(samples[name]) for name in (BOX, GRADE)},
            "click": {phase: figures([getattr(one, phase) for one in timed]) for phase in asdict(timed[0])},
        }

    def click(self) -> float:
        time.sleep(_REST_S)
        self.clicks.append(self.learner.click())
        return self.clicks[-1].verdict_s


def grade_nothing() -> float:
    """Seconds of `grader.grade` with a judge that is ready, as each process of a worker has one."""
    exercise = load_course([LESSONS]).exercise(LESSON, SLUG)
    assert exercise is not None
    files = {name.removeprefix("file:"): text.encode() for name, text in PROGRAM.items()}
    if not READY.await_ready(_WARM_S):
        raise CannotMeasure(f"no judge was ready within {_WARM_S:g} s")
    time.sleep(_REST_S)
    began = time.monotonic()
    report = grade(exercise, files, tier="smoke")
    took = time.monotonic() - began
    if report.verdict != "passed":
        raise CannotMeasure(f"a program that does nothing ended as {report.verdict}: {report.message}")
    return took


def figures(seconds: Sequence[float]) -> dict[str, Any]:
    """In milliseconds."""
    taken = [1000 * value for value in seconds]
    return {
        "p50_ms": round(median(taken), 1),
        "p95_ms": round(percentile(taken, 0.95), 1),
        "max_ms": round(max(taken), 1),
        "samples_ms": [round(value, 1) for value in taken],
    }


def overhead_ms(document: Mapping[str, Any]) -> float:
    """What the site adds to the grade that it shows, at the median."""
    return float(document["click"]["verdict_s"]["p50_ms"] - document["floor"][GRADE]["p50_ms"])
