"""Errors that say whose fault they are.

A CandidateError is the learner's: it carries the verdict, and its text is shown to the learner.
A GraderError is ours: the text is for the operator, and no attempt is spent.
"""

from __future__ import annotations

from typing import ClassVar

from lessons.schema import Verdict

MAX_MESSAGE = 4000


def sendable(text: str) -> str:
    """With what UTF-8 cannot carry (lone surrogates, which JSON can smuggle in) replaced by question marks."""
    return text.encode(errors="replace").decode()


class CandidateError(Exception):
    """What the learner's program did wrong. Uncaught in a judge, it becomes the verdict."""

    verdict: ClassVar[Verdict] = "failed"

    def __init__(self, message: str) -> None:
        super().__init__(sendable(message[:MAX_MESSAGE]))

    @property
    def message(self) -> str:
        return str(self.args[0])


class WrongAnswer(CandidateError):  # noqa: N818  named after the verdict it means
    """The program answered, but not with something that can be graded: wrong type, shape, or a missing artefact."""


class TimedOut(CandidateError):  # noqa: N818
    """A wall-clock or CPU-seconds limit ended it."""

    verdict = "timed_out"


class OutOfMemory(CandidateError):  # noqa: N818
    """The memory limit ended it."""

    verdict = "out_of_memory"


class Crashed(CandidateError):  # noqa: N818
    """It raised, exited early, or died by a signal."""

    verdict = "crashed"


class Rejected(CandidateError):  # noqa: N818
    """It broke a rule of the protocol: spoke out of turn, sent a malformed or oversized frame, shipped a link."""

    verdict = "rejected"


class GraderError(Exception):
    """Ours."""


class InfraError(GraderError):
    """The machine cannot grade as it is; the message is one line that says what to do."""


class JudgeError(GraderError):
    """An exercise's judge broke its contract: undeclared metric, NaN, missing result."""


class SubmissionError(ValueError):
    """It cannot be graded: a missing file, one over the cap, a tier that is not offered. Nothing was run."""
