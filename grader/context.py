"""What one grading run is made of, as the judge's process knows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.boxes import GuestBox, box_spec
from grader.events import Event
from lessons.schema import Limits, Manifest, Tier
from sandbox import Backend


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """What a candidate or bench needs. `files`: the learner's and the read-only ones; `assets` lie on the host."""

    exercise: str
    manifest: Manifest
    tier: Tier
    limits: Limits
    files: Mapping[str, bytes]
    assets: Mapping[str, Path]
    backend: Backend
    emit: Callable[[Event], None]

    def start(self, program: str, extra_files: Mapping[str, bytes] | None = None) -> GuestBox:
        """A box of this exercise at this tier, running one of our guest programs.

        Raises InfraError; ValueError for extra files that do not fit.
        """
        spec = box_spec(self.limits, {**(extra_files or {}), **self.files}, self.assets)
        return GuestBox.start(self.backend, spec, program, self.emit)

    @property
    def hides_prints(self) -> bool:
        """At smoke a learner sees everything; elsewhere nothing that may show a hidden input."""
        return self.tier != "smoke"
