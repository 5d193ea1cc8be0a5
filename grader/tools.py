"""Runs a real tool (promtool, terraform, a linter) on the learner's files, in a fresh box of its own.

Such a tool parses hostile bytes, so it is treated as the learner's program is: the judge only reads what it printed.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from grader.boxes import ENVIRONMENT, box_spec, lab_dir
from grader.context import RunContext
from grader.errors import InfraError
from grader.outcomes import error_of
from grader.report import Usage
from lessons.schema import Limits
from sandbox import KIB, BoxStartError
from sandbox.capture import Capture

_END_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """How the tool ended and what it said, each stream cut to its head and tail above 256 KiB."""

    exit_code: int
    out: str
    err: str
    usage: Usage

    @property
    def ok(self) -> bool:
        return self.exit_code == 0


def run_tool(context: RunContext, argv: Sequence[str], files: Mapping[str, bytes], limits: Limits) -> ToolResult:
    """Run `argv` in /work, where `files` lie. Programs are found in the lab's bin, then /usr/local/bin, /usr/bin, /bin.

    Raises InfraError where the tool is missing or no box can be had; a CandidateError when a limit or a signal ended
    it, for that is what the files did to it; ValueError for files that do not fit.
    """
    path = f"{lab_dir()}/bin:/usr/local/bin:/usr/bin:/bin"
    if shutil.which(argv[0], path=path) is None:
        raise InfraError(f"the tool {argv[0]!r} is not installed on this worker: docs/configuration.md lists the tools")
    spec = box_spec(limits, files, context.assets)
    environment = {name: value for name, value in ENVIRONMENT.items() if name != "PYTHONPATH"}
    try:
        box = context.backend.prepare(replace(spec, env={**environment, "PATH": path}))
        process = box.start(list(argv))
    except BoxStartError as error:
        raise InfraError(f"the box could not be started: {error}") from error
    try:
        process.stdin.close()
        out, err = (Capture(stream, limits.output_kb * KIB) for stream in (process.stdout, process.stderr))
        outcome = process.wait()
        said = out.result(_END_S).text, err.result(_END_S).text
    finally:
        process.close()
    if outcome.exit_code is None:
        raise error_of(outcome, limits, f"{argv[0]} read the submitted files")
    used = outcome.usage
    usage = Usage(wall_s=used.wall_s, cpu_s=used.cpu_s, peak_memory_bytes=used.peak_memory_bytes)
    return ToolResult(exit_code=outcome.exit_code, out=said[0], err=said[1], usage=usage)
