"""The learner's program, as a judge sees it: something to call or to train. Each candidate is one fresh box."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from grader.call_session import CallSession
from grader.context import RunContext
from grader.report import Usage
from grader.training import TrainResult, run_training

__all__ = ["Candidate", "TrainResult"]

_NOTHING = Usage(wall_s=0.0, cpu_s=0.0, peak_memory_bytes=0)


class Candidate:
    """Use it one way: several `call`s, or one `train`."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._session: CallSession | None = None
        self._usage: Usage | None = None

    def call(self, function: str, *args: object, timeout_s: float | None = None, **kwargs: object) -> Any:
        """Call a function of the entry module and return its answer.

        Arguments and answers: None, booleans, numbers, text, lists, dicts with text keys, arrays. Answers are data
        to check: any shape, type or value may come back; tuples become lists. The program lives on between calls.
        `timeout_s`: wall seconds for this call; without it, what is left of the box's own limit.
        Raises a CandidateError: TimedOut, OutOfMemory, Crashed, Rejected, or WrongAnswer for an unsendable value.
        """
        if self._usage is not None:
            raise RuntimeError("this candidate has ended: make another with bench.candidate()")
        if self._session is None:
            self._session = CallSession.open(self._context)
        return self._session.call(function, args, kwargs, timeout_s)

    def train(
        self,
        *,
        argv: Sequence[str] = (),
        files: Mapping[str, bytes] | None = None,
        outputs: Mapping[str, int],
        optional: Collection[str] = (),
        ranks: int = 1,
    ) -> TrainResult:
        """Run the entry file as a program to its end and collect what it wrote.

        `argv`: its arguments. `files`: name → bytes, put below /work (for example "data/train.jsonl").
        `outputs`: name below /work/out → largest size in bytes; a missing one raises WrongAnswer unless `optional`, one
        that is larger, a link or sparse raises Rejected.
        `ranks`: that many processes, each with RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT for torch.distributed.
        Prints are shown live, so give it no hidden data. The artefacts are hostile bytes: never unpickle them.
        Raises a CandidateError; a program that ends with another exit code than 0 is Crashed.
        """
        if self._session is not None or self._usage is not None:
            raise RuntimeError("this candidate was used already: make another with bench.candidate()")
        self._usage = _NOTHING
        return run_training(self._context, self._record, argv, files or {}, outputs, optional, ranks)

    @property
    def usage(self) -> Usage:
        """Seconds and peak memory of the box up to now, read by us."""
        if self._session is not None:
            return self._session.usage
        return self._usage or _NOTHING

    def finish(self) -> None:
        """End the box in good order. Raises Rejected when the program spoke out of turn."""
        if self._session is not None:
            self._session.finish()

    def close(self) -> None:
        """End the box."""
        if self._session is not None:
            self._session.close()

    def _record(self, usage: Usage) -> None:
        self._usage = usage
