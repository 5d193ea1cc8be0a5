"""What passes between the grader and the judge's process: one request in, JSON lines out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from grader.events import LogEvent, OutputEvent, ProgressEvent
from grader.measured import Measurements
from grader.verdict import Fault
from lessons.schema import Manifest, Tier

MAX_LINE = 8 * 1024 * 1024


class Message(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, ser_json_bytes="base64", val_json_bytes="base64"
    )


class JudgeRequest(Message):
    """One run for `judge_main`."""

    do: Literal["judge"] = "judge"
    exercise: str
    judge: Path
    manifest: Manifest
    tier: Tier
    seed: int
    files: dict[str, bytes]
    assets: dict[str, Path]
    backend: str
    certified: bool = False

    @property
    def timed(self) -> bool:
        """Whether the run is to have a core for itself."""
        return self.tier == "gpu" or (self.manifest.timed and self.tier != "smoke")


class CellRequest(Message):
    """One runnable cell for `judge_main`; all sources but the last are run silently."""

    do: Literal["cell"] = "cell"
    sources: list[str]
    backend: str
    memory_mb: int
    wall_s: float
    cpu_s: float
    output_kb: int

    @property
    def timed(self) -> bool:
        """A cell's time is nobody's mark."""
        return False


class Ready(Message):
    """The judge's process has done its imports and can be asked."""

    type: Literal["ready"] = "ready"


class Began(Message):
    """A timed run has its cores, and its GPU: its time counts from now."""

    type: Literal["began"] = "began"


class Told(Message):
    """An event."""

    type: Literal["event"] = "event"
    event: LogEvent | ProgressEvent | OutputEvent


class Judged(Message):
    """The judge came to its end, or the candidate ended the run."""

    type: Literal["judged"] = "judged"
    measured: Measurements
    fault: Fault | None


class CellEnded(Message):
    """A cell ran to its end (`fault` is None) or not."""

    type: Literal["cell_ended"] = "cell_ended"
    fault: Fault | None


class Broken(Message):
    """Ours: `unavailable` and `infra` carry one line for the operator, `judge` a traceback."""

    type: Literal["broken"] = "broken"
    kind: Literal["unavailable", "infra", "judge"]
    text: str


Final = Judged | CellEnded | Broken
Line = Annotated[Ready | Began | Told | Judged | CellEnded | Broken, Field(discriminator="type")]
Request = Annotated[JudgeRequest | CellRequest, Field(discriminator="do")]

_LINE: TypeAdapter[Ready | Began | Told | Judged | CellEnded | Broken] = TypeAdapter(Line)
_REQUEST: TypeAdapter[JudgeRequest | CellRequest] = TypeAdapter(Request)


def read_line(line: bytes) -> Ready | Began | Told | Final:
    """Raises ValueError for anything that the protocol does not have."""
    return _LINE.validate_json(line)


def read_request(data: bytes) -> JudgeRequest | CellRequest:
    """Raises ValueError."""
    return _REQUEST.validate_json(data)
