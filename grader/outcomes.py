"""From the way a box ended to the learner's error, in words that say which limit and how much it was."""

from __future__ import annotations

import signal

from grader.errors import CandidateError, Crashed, InfraError, OutOfMemory, TimedOut
from grader.gpu.watch import VramExceeded
from lessons.schema import Limits
from sandbox import Outcome


def error_of(outcome: Outcome, limits: Limits, doing: str) -> CandidateError:
    """The error for a program that ended while `doing` ("answering solve()").

    Raises InfraError when the end was our doing.
    """
    if isinstance(outcome, VramExceeded):
        return OutOfMemory(f"The program needed more than {outcome.limit_mb} MB of GPU memory while {doing}.")
    match outcome.status:
        case "wall_limit":
            return TimedOut(f"The program took longer than {limits.wall_s:g} seconds (time limit) while {doing}.")
        case "cpu_limit":
            return TimedOut(f"The program used more than {limits.cpu_s:g} CPU seconds (CPU limit) while {doing}.")
        case "memory_limit":
            return OutOfMemory(f"The program needed more than {limits.memory_mb} MB of memory while {doing}.")
        case "inode_limit":
            return Crashed(f"The program made more files and folders than a box may hold, while {doing}.")
        case "exited":
            return Crashed(f"The program exited early, with exit code {outcome.exit_code}, while {doing}.")
        case "signalled":
            return Crashed(f"The program was ended by {_signal_name(outcome.signal)} while {doing}.")
        case _:
            raise InfraError(f"the box ended by itself ({outcome.status}): {outcome.detail}")


def _signal_name(number: int | None) -> str:
    try:
        return f"{signal.Signals(number or 0).name} (signal {number})"
    except ValueError:
        return f"signal {number}"
