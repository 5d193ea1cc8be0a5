"""The Report: all that a run found, as strict, size-capped JSON. NaN and infinities are refused."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from lessons.schema import Direction, Provenance, Tier, Verdict

MAX_BYTES = 256 * 1024
MAX_TAIL_LINES = 200

Line = Annotated[str, Field(max_length=4096)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True)


class Usage(Part):
    """Of the learner's boxes, read by us: seconds summed over boxes, bytes of the largest.

    `peak_vram_bytes`: on the GPU, as its driver tells; 0 without one.
    """

    wall_s: float = Field(ge=0)
    cpu_s: float = Field(ge=0)
    peak_memory_bytes: int = Field(ge=0)
    peak_vram_bytes: int = Field(default=0, ge=0)


class MetricResult(Part):
    """`threshold` and `passed` are None when the tier does not grade this metric; `provenance` in older Reports.

    `ceiling`: the physical limit of this tier, where the exercise names one; better than it is `under_review`.
    """

    name: str
    value: float
    unit: str
    direction: Direction
    threshold: float | None
    passed: bool | None
    samples: int | None
    ci95: tuple[float, float] | None
    provenance: Provenance | None = None
    ceiling: float | None = None


class CheckResult(Part):
    name: str
    passed: bool
    feedback: str = Field(max_length=2000)


class Report(Part):
    """Schema 1: fields may be added, each with a default, so that every earlier Report can be read.

    `message` says in one or a few sentences what happened; empty for a plain pass or fail.
    `certified`: every box started cold. `confirmed` is there in the Report of a second run: whether both passed, None
    where our fault or a cancellation left it open; `differences` says in sentences where the second fell behind.
    """

    schema_version: Literal[1] = Field(default=1, alias="schema")
    exercise: str
    tier: Tier
    verdict: Verdict
    score: float = Field(ge=0, le=1)
    metrics: list[MetricResult] = Field(max_length=100)
    checks: list[CheckResult] = Field(max_length=100)
    usage: Usage
    seed: int
    log_tail: list[Line] = Field(max_length=MAX_TAIL_LINES)
    hints: list[Annotated[str, Field(max_length=4000)]] = Field(default=[], max_length=50)
    distinction: bool = False
    message: str = Field(default="", max_length=8000)
    certified: bool = False
    confirmed: bool | None = None
    differences: list[Annotated[str, Field(max_length=400)]] = Field(default=[], max_length=50)

    def to_json(self, *, indent: int | None = None) -> str:
        """Raises ValueError when the Report is over 256 KiB."""
        text = self.model_dump_json(by_alias=True, indent=indent)
        if len(text.encode()) > MAX_BYTES:
            raise ValueError(f"the Report is over {MAX_BYTES} bytes")
        return text

    @classmethod
    def from_json(cls, text: str | bytes) -> Report:
        """Raises ValueError (pydantic's ValidationError is one) for anything but a valid Report."""
        if len(text.encode() if isinstance(text, str) else text) > MAX_BYTES:
            raise ValueError(f"the Report is over {MAX_BYTES} bytes")
        return cls.model_validate_json(text)
