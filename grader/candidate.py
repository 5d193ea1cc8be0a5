"""The learner's program, as a judge sees it: to be called, trained or loaded. Each candidate is one fresh box."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from grader.call_session import CallSession
from grader.context import RunContext
from grader.report import Usage
from grader.serving import Server
from grader.training import TrainResult, run_training

__all__ = ["Candidate", "Server", "TrainResult"]

_NOTHING = Usage(wall_s=0.0, cpu_s=0.0, peak_memory_bytes=0)


class Candidate:
    """Use it one way: several `call`s, one `train`, or one `serve`."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._session: CallSession | None = None
        self._server: Server | None = None
        self._usage: Usage | None = None
        self._asked_s = 0.0

    def call(self, function: str, *args: object, timeout_s: float | None = None, **kwargs: object) -> Any:
        """Call a function of the entry module and return its answer.

        Arguments and answers: None, booleans, numbers, text, lists, dicts with text keys, arrays. Answers are data
        to check: any shape, type or value may come back; tuples become lists. The program lives on between calls.
        `timeout_s`: wall seconds for this call; without it, what is left of the box's own limit.
        Raises a CandidateError: TimedOut, OutOfMemory, Crashed, Rejected, or WrongAnswer for an unsendable value.
        """
        with self._context.blame():
            session = self._call_session()
            if self._context.device is not None:
                self._context.device.flush()
            began = time.perf_counter()
            try:
                return session.call(function, args, kwargs, timeout_s)
            finally:
                self._asked_s += time.perf_counter() - began

    @property
    def asked_s(self) -> float:
        """Wall seconds of all calls: each from the request to the full answer in the judge's hands."""
        return self._asked_s

    def settle(self) -> float:
        """Wait until the run's GPU is quiet, and return the seconds it took; 0 without one.

        Raises TimedOut for a program that leaves it busy.
        """
        if self._context.device is None:
            return 0.0
        with self._context.blame():
            return self._context.device.settle()

    def load(self) -> None:
        """Start the box and load the entry module now, not with the first call. Raises a CandidateError."""
        with self._context.blame():
            self._call_session()

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
        Prints of several ranks are marked `[rank N]`. Ranks that make no progress for a third of the wall limit, 30 s
        at most, are ended as TimedOut, with what each of them waits for.
        Prints are shown live, so give it no hidden data. The artefacts are hostile bytes: never unpickle them.
        Raises a CandidateError; a program that ends with another exit code than 0 is Crashed.
        """
        self._require_unused()
        self._usage = _NOTHING
        with self._context.blame():
            return run_training(self._context, self._record, argv, files or {}, outputs, optional, ranks)

    def serve(
        self, *, argv: Sequence[str] = (), files: Mapping[str, bytes] | None = None, ready_s: float = 30.0
    ) -> Server:
        """Run the entry file as an HTTP server, and return once it listens on 127.0.0.1 at the PORT of its environment.

        `argv`: its arguments. `files`: name → bytes, put below /work. `ready_s`: wall seconds it may take to listen.
        Ask it with the Server's `request` and `load`. Raises a CandidateError: TimedOut if it does not listen in time.
        """
        self._require_unused()
        self._usage = _NOTHING
        with self._context.blame():
            self._server = Server.open(self._context, argv, files or {}, ready_s)
        return self._server

    def artifact(self, path: str) -> bytes:
        """One of the submitted files as it is: hostile bytes; let a real tool read it, by `bench.tool`.

        Raises ValueError for a name that is not among the exercise's files.
        """
        if path not in self._context.files:
            raise ValueError(f"the exercise has no file {path!r}: it has {sorted(self._context.files)}")
        return self._context.files[path]

    def freeze(self) -> None:
        """Stop every process of the box until `thaw`, if it has started: so it takes nothing while another is measured.

        Frozen time counts as wall time. Raises InfraError.
        """
        running = self._session or self._server
        if running is not None:
            running.freeze()

    def thaw(self) -> None:
        """Let it go on."""
        running = self._session or self._server
        if running is not None:
            running.thaw()

    @property
    def usage(self) -> Usage:
        """Seconds and peak memory of the box up to now, read by us."""
        running = self._session or self._server
        if running is not None:
            return running.usage
        return self._usage or _NOTHING

    def finish(self) -> None:
        """End the box in good order. Raises Rejected when the program spoke out of turn."""
        running = self._session or self._server
        if running is not None:
            with self._context.blame():
                running.finish()

    def close(self) -> None:
        """End the box."""
        running = self._session or self._server
        if running is not None:
            running.close()

    def _call_session(self) -> CallSession:
        if self._usage is not None:
            raise RuntimeError("this candidate has ended: make another with bench.candidate()")
        if self._session is None:
            self._session = CallSession.open(self._context)
        return self._session

    def _require_unused(self) -> None:
        if self._session is not None or self._usage is not None:
            raise RuntimeError("this candidate was used already: make another with bench.candidate()")

    def _record(self, usage: Usage) -> None:
        self._usage = usage
