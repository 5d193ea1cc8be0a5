"""The `call` protocol: one long-lived process in a box that answers one frame per question."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from grader.boxes import GuestBox
from grader.channel import Channel
from grader.context import RunContext
from grader.errors import CandidateError, Crashed, InfraError, Rejected, WrongAnswer
from grader.report import Usage
from grader.tracebacks import render
from grader.values import decode, encode

MAX_ANSWER = 64 * 1024 * 1024
_UNSENDABLE = "use numbers, text, lists, dicts with text keys and arrays; NaN and infinity are allowed only in arrays"


class CallSession:
    """One candidate's process. A CandidateError ends it: a program that broke once is not asked again."""

    def __init__(self, context: RunContext, guest: GuestBox) -> None:
        self._context = context
        self._guest = guest
        self._channel = Channel(guest, context.limits)
        self._over = False

    @classmethod
    def open(cls, context: RunContext) -> CallSession:
        """Start the box and load the entry module. Raises a CandidateError, InfraError."""
        session = cls(context, context.start("call"))
        entry = context.manifest.entry
        session._exchange({"do": "load", "entry": entry}, b"", f"loading {entry}", None)
        return session

    def call(self, function: str, args: Sequence[object], kwargs: Mapping[str, object], timeout_s: float | None) -> Any:
        """As Candidate.call."""
        payload = encode({"args": list(args), "kwargs": dict(kwargs)})
        if self._context.hides_prints:
            self._guest.prints.withhold()
        return self._exchange({"do": "call", "function": function}, payload, f"answering {function}()", timeout_s)

    @property
    def usage(self) -> Usage:
        return self._guest.usage

    def finish(self) -> None:
        """End in good order. Raises Rejected for bytes that nobody asked for."""
        if self._over:
            return
        try:
            self._channel.refuse_unsolicited()
        finally:
            self.close()

    def freeze(self) -> None:
        if not self._over:
            self._guest.freeze()

    def thaw(self) -> None:
        if not self._over:
            self._guest.thaw()

    def close(self) -> None:
        if not self._over:
            self._over = True
            self._guest.close()

    def _exchange(self, header: Mapping[str, Any], payload: bytes, doing: str, timeout_s: float | None) -> Any:
        if self._over:
            raise RuntimeError("this candidate has ended: make another with bench.candidate()")
        try:
            nonce = self._channel.send(header, payload, doing)
            frame = self._channel.receive(nonce, {"kind"}, MAX_ANSWER, doing, timeout_s)
            return self._answer(frame.header["kind"], frame.payload, doing)
        except (CandidateError, InfraError):
            self.close()
            raise

    def _answer(self, kind: object, payload: bytes, doing: str) -> Any:
        if kind == "value":
            return decode(payload)
        if kind == "error":
            raise Crashed(render(payload, self._context, doing))
        if kind == "unsendable":
            raise WrongAnswer(f"The answer cannot be graded, while {doing}: {self._reason(payload)}.")
        raise Rejected(f"The program sent a frame of a kind that the protocol does not have, while {doing}.")

    def _reason(self, payload: bytes) -> str:
        """The guest's own words may carry hidden inputs: shown only where those may be seen."""
        if self._context.hides_prints:
            return _UNSENDABLE
        return payload[:500].decode(errors="replace")
