"""The `train` protocol: the program runs to its end in a box, then hands over the files that the judge named."""

from __future__ import annotations

import signal
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from grader.boxes import GuestBox
from grader.channel import Channel
from grader.context import RunContext
from grader.errors import Crashed, Rejected, WrongAnswer
from grader.outcomes import error_of
from grader.report import Usage
from lessons.schema import is_safe_path

MAX_OUTPUT = 256 * 1024 * 1024
_TAIL_LINES = 15
_END_S = 5.0
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
    request = {"entry": entry, "argv": list(argv), "ranks": ranks, "outputs": dict(outputs)}
    nonce = channel.send(request, b"", doing)
    ended = channel.receive(nonce, {"kind", "codes"}, 0, doing, None)
    _check_codes(context, ended.header["kind"], ended.header["codes"], entry, guest)
    artefacts: dict[str, bytes] = {}
    for name, limit in outputs.items():
        data = _receive_file(channel, nonce, name, limit, name in optional)
        if data is not None:
            artefacts[name] = data
    channel.refuse_unsolicited()
    return artefacts


def _check_codes(context: RunContext, kind: object, codes: object, entry: str, guest: GuestBox) -> None:
    if kind != "ended" or not isinstance(codes, list) or not all(type(code) is int for code in codes):
        raise Rejected("The program sent a malformed frame at its end.")
    failed = [code for code in codes if code]
    if failed:
        guest.close()  # all prints are in now
        outcome = guest.ended(_END_S)
        if outcome is not None and outcome.status == "memory_limit":  # the guest told of the end before the monitor
            raise error_of(outcome, context.limits, f"running {entry}")
        tail = "\n".join(f"  {line}" for line in guest.prints.last_errors(_TAIL_LINES))
        raise Crashed(f"{entry} ended with {_describe(failed[0])}." + (f" Its last lines:\n{tail}" if tail else ""))


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
