"""The bench: what a judge holds while it measures one submission."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from grader.candidate import Candidate, Server
from grader.context import RunContext
from grader.errors import JudgeError, sendable
from grader.events import LogEvent, ProgressEvent
from grader.load.plan import Request, poisson_arrivals
from grader.load.result import LoadResult
from grader.measured import MAX_FEEDBACK, MeasuredCheck, MeasuredMetric, Measurements, accept_measure, add_usage
from grader.measures import Measure
from grader.measures.interleaving import Interleaving, Side, many_short_turns
from grader.measures.timing import Round
from grader.report import Usage
from grader.rng import Rng
from grader.tools import ToolResult, run_tool
from grader.turns import Turn, take_turns
from lessons.schema import Limits, Provenance, Tier

_MAX_LINE = 2000


class Bench:
    """One run's hidden randomness, candidates and results. Made by the grader, used by `judge(bench)`."""

    def __init__(self, context: RunContext, seed: int) -> None:
        self._context = context
        self._candidates: list[Candidate] = []
        self._metrics: dict[str, MeasuredMetric] = {}
        self._checks: dict[str, MeasuredCheck] = {}
        self._tool_usage: list[Usage] = []
        self.rng = Rng.from_seed(seed, context.exercise, context.tier)

    @property
    def tier(self) -> Tier:
        return self._context.tier

    @property
    def sizes(self) -> Mapping[str, int | float]:
        """`[tiers.<tier>.sizes]` of the manifest."""
        return self._context.manifest.tiers[self._context.tier].sizes

    @property
    def assets(self) -> Mapping[str, Path]:
        """Where the exercise's assets lie for the judge; in a box each lies at /assets/<name>."""
        return self._context.assets

    def candidate(self) -> Candidate:
        """The submission, in a fresh box of its own. The box starts with the first call; each candidate has one."""
        candidate = Candidate(self._context)
        self._candidates.append(candidate)
        return candidate

    def reference(self, name: str) -> Candidate:
        """Our own program, in a box equal to the candidate's: the exercise's `reference/<name>/`, or "starter" or

        "solution". What it does wrong is our fault: InfraError. Raises JudgeError when there is none of that name.
        """
        reference = Candidate(self._context.for_reference(name))
        self._candidates.append(reference)
        return reference

    def interleave(self, baseline: str, turn: Turn, plan: Interleaving | None = None) -> tuple[Round, ...]:
        """Measure the candidate against a reference, turn by turn in random order, each frozen while another runs.

        `turn(candidate, round)` asks one program with fresh inputs of that round, the same for all sides, and checks
        its answers; the rounds go into `measures.cpu_ratio` or `wall_ratio`. Loading comes first and is in no round.
        Without a plan there are 15 to 25 rounds, so make a turn 10 to 40 ms of work; the manifest says `timed = true`.
        Raises what `turn` raises, InfraError.
        """
        sides: dict[Side, Candidate] = {
            "candidate": self.candidate(),
            "baseline": self.reference(baseline),
            "repeat": self.reference(baseline),
        }
        return take_turns(plan or many_short_turns(self.rng.child("interleave")), sides, turn)

    def load_test(
        self,
        server: Server,
        request: Callable[[int], Request],
        *,
        rate: float,
        seconds: float,
        connections: int = 64,
        timeout_s: float = 10.0,
        stream: bool = False,
    ) -> LoadResult:
        """Ask a server at random times, `rate` times a second on average, whatever it does: a Poisson process.

        `request(i)` makes the i-th request; no two should be alike. The rest is `Server.load`, and so is what it
        raises; the arrivals come from `rng`. Raises ValueError for a rate or time that is not positive.
        """
        arrivals = poisson_arrivals(self.rng.child("arrivals"), rate=rate, seconds=seconds)
        requests = [request(number) for number in range(len(arrivals))]
        return server.load(requests, arrivals, connections=connections, timeout_s=timeout_s, stream=stream)

    def tool(
        self,
        argv: Sequence[str],
        files: Mapping[str, bytes],
        *,
        wall_s: float = 30.0,
        memory_mb: int = 512,
        pids: int = 128,
    ) -> ToolResult:
        """Run a real tool in /work of a fresh box with `files`, and read what it printed.

        Raises InfraError where the tool is not installed; a CandidateError when a limit ended it.
        """
        limits = Limits(wall_s=wall_s, memory_mb=memory_mb, pids=pids)
        result = run_tool(self._context, argv, files, limits)
        self._tool_usage.append(result.usage)
        return result

    def metric(
        self,
        name: str,
        value: float | Measure,
        *,
        samples: int | None = None,
        ci95: tuple[float, float] | None = None,
        provenance: Provenance = "observed",
    ) -> None:
        """Report a declared metric, once: a Measure, or a number in the metric's unit with what is known of it.

        `samples`: how many observations it rests on. `provenance`: "observed" was measured by the judge, "recomputed"
        was computed by it from an artefact; "instrumented" and "reported" must be declared in exercise.toml.
        Raises JudgeError for an undeclared name, a second value, another unit or provenance than declared, or a value
        that is not finite.
        """
        spec = {spec.name: spec for spec in self._context.manifest.metric}.get(name)
        if spec is None:
            raise JudgeError(f"metric {name!r} is not declared in exercise.toml")
        if name in self._metrics:
            raise JudgeError(f"metric {name!r} was reported twice")
        if not isinstance(value, Measure):
            try:
                value = Measure(value=value, unit=spec.unit, samples=samples, ci95=ci95, provenance=provenance)
            except ValueError as error:
                raise JudgeError(f"metric {name!r}: {error}") from None
        self._metrics[name] = accept_measure(spec, value)

    def check(self, name: str, ok: bool, feedback: str = "") -> None:
        """Report a declared check; `feedback` is shown when it failed.

        Reported again, it stays failed once it failed, with the first failure's feedback.

        Raises JudgeError for an undeclared name.
        """
        if name not in {spec.name for spec in self._context.manifest.check}:
            raise JudgeError(f"check {name!r} is not declared in exercise.toml")
        before = self._checks.get(name)
        if before is None or (before.ok and not ok):
            self._checks[name] = MeasuredCheck(ok=bool(ok), feedback="" if ok else sendable(feedback[:MAX_FEEDBACK]))

    def log(self, text: str) -> None:
        """Show the learner a line (or several) in the live log. Never log a hidden input."""
        for line in text.splitlines():
            self._context.emit(LogEvent(stream="judge", text=sendable(line[:_MAX_LINE])))

    def progress(self, text: str, done: float | None = None) -> None:
        """Say what is going on; `done` is the share done, 0 to 1."""
        share = None if done is None else min(max(float(done), 0.0), 1.0)
        self._context.emit(ProgressEvent(text=sendable(text[:_MAX_LINE]), done=share))

    def finish(self) -> None:
        """Called by the grader after the judge: each candidate must have kept to the protocol to the end.

        Raises Rejected.
        """
        for candidate in self._candidates:
            candidate.finish()

    def close(self) -> None:
        """End every box."""
        for candidate in self._candidates:
            candidate.close()

    def measurements(self) -> Measurements:
        """What was reported, and what all boxes used together."""
        usage = add_usage([*(candidate.usage for candidate in self._candidates), *self._tool_usage])
        return Measurements(metrics=dict(self._metrics), checks=dict(self._checks), usage=usage)
