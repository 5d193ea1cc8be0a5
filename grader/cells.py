"""`run_cell`: a lesson's runnable cell, in a box, for the site and for `lessons verify`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from grader.events import Event
from grader.grading import OUR_FAULT, LogTail
from grader.judge_process import Cancelled, Watch, run_judge
from grader.wire import Broken, CellEnded, CellRequest
from lessons.schema import Verdict
from sandbox import SandboxUnavailable

logger = logging.getLogger(__name__)

CELL_WALL_S = 60.0
CELL_MEMORY_MB = 2048
_OUTPUT_KB = 128
_START_S = 30.0
_MAX_SOURCE = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class CellResult:
    """`verdict` is "passed" for a cell that ran to its end; else `message` says why ("crashed": a traceback)."""

    verdict: Verdict
    message: str


def run_cell(
    sources: Sequence[str],
    *,
    on_event: Callable[[Event], None],
    cancelled: Callable[[], bool] | None = None,
    backend: str = "bubblewrap",
) -> CellResult:
    """Run the last of `sources` in a fresh box, the earlier ones of its session silently before it.

    Raises ValueError for no source or more than 64 KiB of it, InfraError where the lab is missing, SandboxUnavailable.
    """
    if not sources or sum(len(source.encode()) for source in sources) > _MAX_SOURCE:
        raise ValueError(f"a cell needs some code, and at most {_MAX_SOURCE} bytes of it with the cells before it")
    request = CellRequest(
        sources=list(sources),
        backend=backend,
        memory_mb=CELL_MEMORY_MB,
        wall_s=CELL_WALL_S,
        cpu_s=CELL_WALL_S,
        output_kb=_OUTPUT_KB,
    )
    watch = Watch(
        on_event=LogTail(on_event).event,
        cancelled=cancelled or (lambda: False),
        wall_s=CELL_WALL_S + _START_S,
        show_prints=False,
    )
    try:
        final = run_judge(request, watch)
    except Cancelled:
        return CellResult(verdict="cancelled", message="The run was cancelled.")
    if isinstance(final, CellEnded):
        fault = final.fault
        return CellResult(verdict=fault.verdict if fault else "passed", message=fault.message if fault else "")
    assert isinstance(final, Broken)
    if final.kind == "unavailable":
        raise SandboxUnavailable(final.text)
    logger.error("cell: %s", final.text)
    return CellResult(verdict="infra_error", message=OUR_FAULT)
