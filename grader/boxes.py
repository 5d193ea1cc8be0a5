"""From a run's context to a box that runs one of our guest programs with the learner's files."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path

from grader.cores import told_of_a_wait
from grader.errors import InfraError
from grader.events import Event
from grader.gpu.watch import WatchedBox
from grader.prints import Prints
from grader.report import Usage
from lessons.schema import Limits
from sandbox import KIB, MIB, Backend, Box, BoxSpec, BoxStartError, Mount, Outcome, Pod, Process
from sandbox.interpreter import interpreter_mounts
from sandbox.spec import WarmStack

ROOT = Path(__file__).resolve().parent.parent
_GUEST = "/opt/rankzero/sandbox/guest"
# One thread a process: more of them on a shared machine cost more CPU time for the same work.
ENVIRONMENT: Mapping[str, str] = {
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "PYTHONPATH": "/opt/rankzero",
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "HF_HUB_OFFLINE": "1",
    "HF_HOME": "/tmp/huggingface",  # noqa: S108  the box's own
    "MPLCONFIGDIR": "/tmp/matplotlib",  # noqa: S108
    "MPLBACKEND": "Agg",
    "FONTCONFIG_FILE": "/tmp/fonts.conf",  # noqa: S108
    "TOKENIZERS_PARALLELISM": "false",
}
# matplotlib brings its own fonts; without this file fontconfig complains on the learner's stderr.
_BOX_FILES: Mapping[str, bytes] = {"/tmp/fonts.conf": b"<fontconfig/>"}  # noqa: S108


def lab_dir() -> Path:
    """The environment of boxes and judges. Raises InfraError where it is missing, with what to do."""
    folder = Path(os.environ.get("RANKZERO_LAB") or ROOT / ".venv-lab").absolute()
    if not (folder / "bin" / "python").exists():
        raise InfraError(f"the lab environment {folder} is missing: run 'make setup', or set RANKZERO_LAB to it")
    return folder


def guest_mounts() -> tuple[Mount, ...]:
    """Interpreter, lab and our guest programs."""
    return (*interpreter_mounts(lab_dir()), Mount(source=ROOT / "sandbox" / "guest", target=_GUEST))


def box_spec(
    limits: Limits, files: Mapping[str, bytes], assets: Mapping[str, Path], warm: WarmStack = "none"
) -> BoxSpec:
    """A box with these limits. `warm`: see BoxSpec. Raises ValueError for files that do not fit into it."""
    mounts = tuple(Mount(source=path, target=f"/assets/{name}") for name, path in assets.items())
    return BoxSpec(
        mounts=(*guest_mounts(), *mounts),
        files={**_BOX_FILES, **files},
        memory_bytes=limits.memory_mb * MIB,
        pids=limits.pids,
        wall_s=limits.wall_s,
        cpu_s=limits.cpu_s,
        disk_bytes=limits.disk_mb * MIB,
        output_bytes=limits.output_kb * KIB,
        warm=warm,
        env=ENVIRONMENT,
    )


class GuestBox:
    """A started box: its channel, its prints, its end."""

    def __init__(self, box: Box, process: Process, prints: Prints) -> None:
        self._box = box
        self._process = process
        self.prints = prints
        self.channel = process.control
        self._end: Future[Outcome] = Future()
        threading.Thread(target=self._wait, daemon=True).start()

    @classmethod
    def start(cls, backend: Backend, spec: BoxSpec, program: str, emit: Callable[[Event], None]) -> GuestBox:
        """Start `sandbox.guest.<program>` in a box. Raises InfraError when the machine cannot."""
        return cls.launch(backend, spec, ["-P", "-m", f"sandbox.guest.{program}"], emit)

    @classmethod
    def launch(
        cls,
        backend: Backend,
        spec: BoxSpec,
        arguments: Sequence[str],
        emit: Callable[[Event], None],
        pod: Pod | None = None,
    ) -> GuestBox:
        """Start the lab's Python with these arguments in a box. Raises InfraError when the machine cannot."""
        try:
            box = backend.prepare(spec, pod=pod)
            with told_of_a_wait(backend, emit):
                process = box.start([str(lab_dir() / "bin" / "python"), *arguments])
        except BoxStartError as error:
            raise InfraError(f"the box could not be started: {error}") from error
        process.stdin.close()
        return cls(box, process, Prints(process, emit, spec.output_bytes))

    @property
    def usage(self) -> Usage:
        used = self._box.usage()
        return Usage(
            wall_s=used.wall_s,
            cpu_s=used.cpu_s,
            peak_memory_bytes=used.peak_memory_bytes,
            peak_vram_bytes=self._box.peak_vram_bytes if isinstance(self._box, WatchedBox) else 0,
        )

    def freeze(self) -> None:
        """Stop every process. Raises InfraError."""
        try:
            self._box.freeze()
        except BoxStartError as error:
            raise InfraError(f"the box could not be frozen: {error}") from error

    def thaw(self) -> None:
        self._box.thaw()

    def ended(self, timeout_s: float) -> Outcome | None:
        """How the box ended, or None when it has not within that time."""
        try:
            return self._end.result(timeout_s)
        except TimeoutError:
            return None

    def close(self) -> None:
        """Kill what still runs and wait for the last prints. Safe to call twice."""
        self._box.kill()
        self.prints.finish()
        self._process.close()

    def _wait(self) -> None:
        try:
            self._end.set_result(self._process.wait())
        except BaseException as error:  # handed on to whoever asks how the box ended
            self._end.set_exception(error)
