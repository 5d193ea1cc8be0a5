"""The `train` protocol: the program runs to its end in a box, then hands over the files that the judge named."""

from __future__ import annotations

import signal
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from grader.boxes import GuestBox
from grader.channel import Channel
from grader.context import RunContext
from grader.errors import Crashed, Rejected, TimedOut, WrongAnswer
from grader.outcomes import error_of
from grader.report import Usage
from grader.standing import MAX_POSITIONS, describe_hang, read_positions
from lessons.schema import is_safe_path
from sandbox.frames import Frame

MAX_OUTPUT = 256 * 1024 * 1024
_TAIL_LINES = 15
_SEARCHED_LINES = 2000
_END_S = 5.0
_HANG_S = 30.0
_HANGS_IN_WALL = 3  # a hang is found well before the time limit would hide it
_MALFORMED = "The program sent a malformed frame at its end."
_REFUSALS = {
    "link": "is a link; write a plain file",
    "kind": "is not a plain file",
    "size": "is larger than allowed",
    "sparse": "has holes; write a plain file",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainResult:
    """`artefacts`: name → bytes, hostile until checked. `usage`: of the whole box."""

    artefacts: Mapping[str, bytes]
    usage: Usage


def run_training(
    context: RunContext,
    record: Callable[[Usage], None],
    argv: Sequence[str],
    files: Mapping[str, bytes],
    outputs: Mapping[str, int],
    optional: Collection[str],
    ranks: int,
) -> TrainResult:
    """As Candidate.train; `record` learns the usage however it ends. Raises ValueError for a judge's bad arguments."""
    _check_arguments(outputs, optional, ranks, set(files) & set(context.files))
    guest = context.start("train", files)
    try:
        artefacts = _train(context, guest, argv, outputs, optional, ranks)
    finally:
        guest.close()
        record(guest.usage)
    return TrainResult(artefacts=artefacts, usage=guest.usage)


def _check_arguments(outputs: Mapping[str, int], optional: Collection[str], ranks: int, clash: set[str]) -> None:
    bad = [name for name, size in outputs.items() if not is_safe_path(name) or not 0 < size <= MAX_OUTPUT]
    if bad:
        raise ValueError(f"outputs {bad}: names are plain relative paths, sizes at most {MAX_OUTPUT} bytes")
    if not set(optional) <= set(outputs) or not 1 <= ranks <= 64 or clash:
        raise ValueError(
            f"optional outputs must be outputs, ranks 1 to 64, and files new ones (clash: {sorted(clash)})"
        )


def _train(
    context: RunContext,
    guest: GuestBox,
    argv: Sequence[str],
    outputs: Mapping[str, int],
    optional: Collection[str],
    ranks: int,
) -> dict[str, bytes]:
    channel = Channel(guest, context.limits)
    entry = context.manifest.entry
    doing = f"running {entry}"
    request = {
        "entry": entry,
        "argv": list(argv),
        "ranks": ranks,
        "outputs": dict(outputs),
        "hang_s": _hang_s(context),
    }
    nonce = channel.send(request, b"", doing)
    ended = channel.receive(nonce, {"kind", "codes"}, MAX_POSITIONS, doing, None)
    _check_end(context, ended, ranks, guest)
    artefacts: dict[str, bytes] = {}
    for name, limit in outputs.items():
        data = _receive_file(channel, nonce, name, limit, name in optional)
        if data is not None:
            artefacts[name] = data
    channel.refuse_unsolicited()
    return artefacts


def _check_end(context: RunContext, ended: Frame, ranks: int, guest: GuestBox) -> None:
    """Return if every rank ended well. Raises a CandidateError."""
    codes = _codes_of(ended, ranks)
    failed = [(rank, code) for rank, code in enumerate(codes) if code]
    if not failed and None not in codes:
        return
    guest.close()  # all prints are in now
    outcome = guest.ended(_END_S)
    if outcome is not None and outcome.status == "memory_limit":  # the guest told of the end before the monitor
        raise error_of(outcome, context.limits, f"running {context.manifest.entry}")
    if ended.header["kind"] == "hung":
        raise TimedOut(_hang_of(context, ended.payload, codes))
    if not failed:
        raise Rejected(_MALFORMED)
    raise Crashed(_crash_of(context.manifest.entry, *failed[0], ranks, guest))


def _codes_of(ended: Frame, ranks: int) -> list[int | None]:
    kind, codes = ended.header["kind"], ended.header["codes"]
    if kind not in {"ended", "hung"} or not isinstance(codes, list) or len(codes) != ranks:
        raise Rejected(_MALFORMED)
    if not all(code is None or type(code) is int for code in codes) or (kind == "ended") != (not ended.payload):
        raise Rejected(_MALFORMED)
    return codes


def _hang_of(context: RunContext, payload: bytes, codes: Sequence[int | None]) -> str:
    try:
        stands = describe_hang(codes, read_positions(payload, len(codes)), context.files)
    except ValueError:
        raise Rejected(_MALFORMED) from None
    entry, seconds = context.manifest.entry, _hang_s(context)
    return f"The ranks of {entry} made no progress for {seconds:g} seconds and were ended: {stands}"


def _hang_s(context: RunContext) -> float:
    return min(_HANG_S, context.limits.wall_s / _HANGS_IN_WALL)


def _crash_of(entry: str, rank: int, code: int, ranks: int, guest: GuestBox) -> str:
    lines = guest.prints.last_errors(_TAIL_LINES if ranks == 1 else _SEARCHED_LINES)
    if ranks > 1:  # the others' complaints, that it has gone, would hide its own
        mark = f"[rank {rank}] "
        lines = [line.removeprefix(mark) for line in lines if line.startswith(mark)][-_TAIL_LINES:]
    tail = "\n".join(f"  {line}" for line in lines)
    who = entry if ranks == 1 else f"Rank {rank} of {entry}"
    return f"{who} ended with {_describe(code)}." + (f" Its last lines:\n{tail}" if tail else "")


def _describe(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    known = -code in signal.valid_signals()
    return f"signal {signal.Signals(-code).name if known else -code}"


def _receive_file(channel: Channel, nonce: str, name: str, limit: int, optional: bool) -> bytes | None:
    frame = channel.receive(nonce, {"kind", "name", "status"}, limit, f"handing over {name}", None)
    header = frame.header
    if header["kind"] != "file" or header["name"] != name:
        raise Rejected(f"The program sent another file than {name}.")
    if header["status"] == "ok":
        return frame.payload
    if header["status"] == "missing":
        if optional:
            return None
        raise WrongAnswer(f"The program ended without writing /work/out/{name}.")
    if header["status"] in _REFUSALS:
        raise Rejected(f"/work/out/{name} {_REFUSALS[header['status']]} (limit {limit} bytes).")
    raise Rejected(f"The program sent a malformed frame instead of {name}.")
