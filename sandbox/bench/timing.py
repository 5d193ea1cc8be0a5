"""Times one program from its start to its exit or to its first line, as a plain process or in a box."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.backend import Backend
from sandbox.errors import SandboxError
from sandbox.spec import BoxSpec

ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8"}  # noqa: S108  as in a box
_LINE_BYTES = 256
_ERROR_BYTES = 2000


class BenchError(SandboxError):
    """Something that was to be timed did not run; the message says what it printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing to time. `sample` runs it once and returns seconds; raises SandboxError."""

    name: str
    sample: Callable[[], float]


def interleave(
    cases: Sequence[Case], rounds: int, rng: random.Random, on_round: Callable[[int], None]
) -> dict[str, list[float]]:
    """Each case once untimed, then once in each round, every round in an order of its own: drift hits all alike."""
    for case in cases:
        case.sample()
    samples: dict[str, list[float]] = {case.name: [] for case in cases}
    for number in range(1, rounds + 1):
        on_round(number)
        for case in rng.sample(cases, len(cases)):
            samples[case.name].append(case.sample())
    return samples


def process_to_exit(argv: Sequence[str], env: Mapping[str, str] = ENVIRONMENT) -> float:
    """Seconds from before the start of a process until it was reaped. Raises BenchError unless it exits with 0."""
    began = time.perf_counter()
    with _popen(argv, env) as process:
        code = process.wait()
        took = time.perf_counter() - began
        if code != 0:
            assert process.stderr is not None
            raise BenchError(_failed(argv, f"exited with code {code}", process.stderr.read(_ERROR_BYTES)))
    return took


def process_to_line(argv: Sequence[str], env: Mapping[str, str] = ENVIRONMENT) -> tuple[float, str]:
    """Seconds until the first whole line on stdout, and that line; then the process is killed. Raises BenchError."""
    began = time.perf_counter()
    with _popen(argv, env) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline(_LINE_BYTES)
        took = time.perf_counter() - began
        if not line.endswith(b"\n"):
            raise BenchError(_failed(argv, "printed no line", process.stderr.read(_ERROR_BYTES)))
        process.kill()
    return took, line.decode().rstrip("\n")


def box_to_exit(backend: Backend, spec: BoxSpec, argv: Sequence[str]) -> float:
    """Seconds from before the box is prepared until its Outcome is there: all figures read, nothing running.

    Raises BenchError unless the program exits with 0, BoxStartError.
    """
    began = time.perf_counter()
    process = backend.prepare(spec).start(argv)
    try:
        outcome = process.wait()
        took = time.perf_counter() - began
        if outcome.exit_code != 0:
            raise BenchError(_failed(argv, outcome.detail, process.stderr.read(_ERROR_BYTES)))
    finally:
        process.close()
    return took


def box_to_line(backend: Backend, spec: BoxSpec, argv: Sequence[str]) -> tuple[float, str]:
    """Seconds from before the box is prepared until the first whole line, and that line; then the box is ended.

    Raises BenchError, BoxStartError.
    """
    began = time.perf_counter()
    process = backend.prepare(spec).start(argv)
    try:
        line = process.stdout.readline(_LINE_BYTES)
        took = time.perf_counter() - began
        if not line.endswith(b"\n"):
            raise BenchError(_failed(argv, process.wait().detail, process.stderr.read(_ERROR_BYTES)))
    finally:
        process.close()
    return took, line.decode().rstrip("\n")


def _popen(argv: Sequence[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """With the pipes that a box gets, too."""
    pipe = subprocess.PIPE
    try:
        return subprocess.Popen(list(argv), stdin=pipe, stdout=pipe, stderr=pipe, env=dict(env), cwd=Path("/"))
    except OSError as error:
        raise BenchError(f"cannot start {argv[0]}: {error}") from error


def _failed(argv: Sequence[str], how: str, said: bytes) -> str:
    return f"{' '.join(argv)}: {how}. {said.decode(errors='replace').strip()}".rstrip()
