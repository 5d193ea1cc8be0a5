"""What one grading run is made of, as the judge's process knows it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader.boxes import GuestBox, box_spec
from grader.cores import Cores, OnCores
from grader.errors import CandidateError, InfraError, JudgeError
from grader.events import Event
from grader.gpu.device import Device
from grader.gpu.own import OnGpu
from lessons.files import read_file, walk
from lessons.schema import Limits, Manifest, Tier
from sandbox import Backend, Pod


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """What a candidate or bench needs. `files`: the learner's and the read-only ones; `assets` lie on the host.

    `folder`: the exercise's. `reference`: the name of our own program that runs in the learner's place.
    `certified`: every box starts cold, from nothing that another run's box could have touched.
    `cores`: the run's own, None where it shares; `backend` puts every box there.
    `device`: the judge's hand on the run's own GPU, None without one; `backend` gives that GPU to every box.
    """

    exercise: str
    folder: Path
    manifest: Manifest
    tier: Tier
    limits: Limits
    files: Mapping[str, bytes]
    assets: Mapping[str, Path]
    backend: Backend
    emit: Callable[[Event], None]
    reference: str | None = None
    certified: bool = False
    cores: Cores | None = None
    device: Device | None = None

    def on_cores(self, cores: Cores) -> RunContext:
        """The same with every box on these cores."""
        return replace(self, backend=OnCores(self.backend, cores.programs), cores=cores)

    def on_gpu(self, backend: OnGpu, device: Device) -> RunContext:
        """The same with every box on that backend's GPU."""
        return replace(self, backend=backend, device=device)

    def start(self, program: str, extra_files: Mapping[str, bytes] | None = None) -> GuestBox:
        """A box of this exercise at this tier, running one of our guest programs.

        Raises InfraError; ValueError for extra files that do not fit.
        """
        warm = "none" if self.certified else self.manifest.warm
        spec = box_spec(self.limits, {**(extra_files or {}), **self.files}, self.assets, warm)
        return GuestBox.start(self.backend, spec, program, self.emit)

    def start_entry(
        self, argv: Sequence[str], files: Mapping[str, bytes], env: Mapping[str, str], pod: Pod
    ) -> GuestBox:
        """A box of this exercise in `pod` that runs the entry file itself. Raises as `start`."""
        spec = box_spec(self.limits, {**files, **self.files}, self.assets)
        # The learner's own program: our guests are not on its path.
        spec = replace(spec, env={**{name: spec.env[name] for name in spec.env if name != "PYTHONPATH"}, **env})
        return GuestBox.launch(self.backend, spec, ["-u", f"/work/{self.manifest.entry}", *argv], self.emit, pod)

    def for_reference(self, name: str) -> RunContext:
        """The same box for our own program: `reference/<name>/`, or `starter` or `solution`, over the read-only files.

        Its prints are not shown. Raises JudgeError when there is none.
        """
        folder = self.folder / name if name in {"starter", "solution"} else self.folder / "reference" / name
        try:
            ours = {path.relative_to(folder).as_posix(): read_file(path) for path in walk(folder)}
        except ValueError as error:
            raise JudgeError(f"reference {name!r}: {error}") from error
        if not ours:
            raise JudgeError(f"there is no reference {name!r}: make {folder}")
        return replace(self, files={**self.files, **ours}, emit=_say_nothing, reference=name)

    @contextlib.contextmanager
    def blame(self) -> Iterator[None]:
        """What a reference does wrong is our fault, not the learner's: InfraError in place of a CandidateError."""
        try:
            yield
        except CandidateError as error:
            if self.reference is None:
                raise
            raise InfraError(f"our own {self.reference!r} failed: {error.message}") from error

    @property
    def hides_prints(self) -> bool:
        """At smoke a learner sees everything; elsewhere nothing that may show a hidden input."""
        return self.tier != "smoke"


def _say_nothing(_event: Event) -> None:
    """Our own program's prints could give hidden inputs away."""
