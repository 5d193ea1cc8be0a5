"""Drives one runnable cell in a box, from the judge's process. Nothing is hidden; all that comes back is checked."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from grader.boxes import GuestBox, box_spec
from grader.channel import Channel
from grader.errors import CandidateError, Crashed, Rejected
from grader.events import Event, OutputEvent
from grader.verdict import Fault
from grader.wire import CellRequest
from lessons.schema import Limits
from sandbox import Backend
from sandbox.warm.stacks import smallest_stack

_DOING = "running the cell"
_MAX_PAYLOAD = 2 * 1024 * 1024
_MAX_OUTPUTS = 12
_PNG = b"\x89PNG\r\n\x1a\n"

Entry = Annotated[str, Field(max_length=500)] | bool | int | float | None


class Table(BaseModel):
    """`total` rows, of which the first are here."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    columns: list[Annotated[str, Field(max_length=500)]] = Field(max_length=60)
    rows: list[Annotated[list[Entry], Field(max_length=60)]] = Field(max_length=200)
    total: int = Field(ge=0)


def run_cell_sources(request: CellRequest, backend: Backend, emit: Callable[[Event], None]) -> Fault | None:
    """Run the cells; prints come live, other outputs when the last has ended. Raises InfraError."""
    limits = Limits(
        memory_mb=request.memory_mb, wall_s=request.wall_s, cpu_s=request.cpu_s, output_kb=request.output_kb, pids=128
    )
    guest = GuestBox.start(backend, box_spec(limits, {}, {}, smallest_stack(request.sources)), "cell", emit)
    try:
        outputs = _run(guest, limits, request.sources)
    except CandidateError as error:
        return Fault(verdict=error.verdict, message=error.message)
    finally:
        guest.close()
    for output in outputs:
        emit(output)
    return None


def _run(guest: GuestBox, limits: Limits, sources: list[str]) -> list[OutputEvent]:
    channel = Channel(guest, limits)
    nonce = channel.send({}, json.dumps(sources).encode(), _DOING)
    outputs: list[OutputEvent] = []
    while len(outputs) <= _MAX_OUTPUTS:
        frame = channel.receive(nonce, {"kind"}, _MAX_PAYLOAD, _DOING, None)
        if frame.header["kind"] == "done":
            return outputs
        if frame.header["kind"] == "error":
            raise Crashed(frame.payload.decode(errors="replace"))
        outputs.append(_output(frame.header["kind"], frame.payload))
    raise Rejected(f"The cell showed more than {_MAX_OUTPUTS} outputs.")


def _output(kind: object, payload: bytes) -> OutputEvent:
    if kind == "text":
        return OutputEvent(kind="text", data=payload.decode(errors="replace"))
    if kind == "png" and payload.startswith(_PNG):
        return OutputEvent(kind="png", data=base64.b64encode(payload).decode())
    if kind == "table":
        try:
            return OutputEvent(kind="table", data=Table.model_validate_json(payload).model_dump())
        except ValidationError:
            raise Rejected("The cell sent a malformed table.") from None
    raise Rejected("The cell sent an output of a kind that there is not.")
