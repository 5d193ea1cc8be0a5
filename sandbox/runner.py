"""Runs one program in one box with its output shown as it comes: what `manage.py box` does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

from sandbox.backend import Backend
from sandbox.capture import Capture
from sandbox.interpreter import interpreter_mounts, lab_dir, running_interpreter_mounts
from sandbox.spec import KIB, MIB, BoxSpec, Mount, Outcome

_UNITS = {"": 1, "B": 1, "K": KIB, "M": MIB, "G": 1024 * MIB}


def parse_size(text: str) -> int:
    """Bytes from "512M", "64K", "1G" or a plain number. Raises ValueError."""
    digits = text.rstrip("BKMGbkmgi")
    unit = text[len(digits) :].upper().replace("IB", "").removesuffix("B")
    if not digits.isdigit() or unit not in _UNITS:
        raise ValueError(f"{text!r} is not a size: write 512M, 64K, 1G or a number of bytes")
    return int(digits) * _UNITS[unit]


def default_mounts() -> tuple[Mount, ...]:
    """The lab's interpreter if the lab is installed, else the one that runs this."""
    return interpreter_mounts(lab_dir()) if (lab_dir() / "pyvenv.cfg").exists() else running_interpreter_mounts()


def run_program(backend: Backend, spec: BoxSpec, argv: Sequence[str], out: BinaryIO, err: BinaryIO) -> Outcome:
    """Run `argv` with an empty stdin; what it prints goes to `out` and `err` at once, up to half of `spec.output_bytes`
    each; what comes after that comes at the end: a note of how much was left out, and as much of the end.

    The outcome has "output" among its hits if something was left out. Raises BoxStartError. Interrupted, it ends the
    box first.
    """
    process = backend.prepare(spec).start(argv)
    try:
        process.stdin.close()
        streams = ((process.stdout, out), (process.stderr, err))
        captures = [Capture(stream, spec.output_bytes, sink=sink) for stream, sink in streams]
        outcome = process.wait()
        kept = [capture.result() for capture in captures]
        return outcome.with_hits("output") if any(captured.dropped for captured in kept) else outcome
    finally:
        process.close()
