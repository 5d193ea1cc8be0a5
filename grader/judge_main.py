"""The judge's process: `python -m grader.judge_main <fd>` in the lab's environment.

Reads one request line from stdin and writes JSON lines to descriptor <fd>. When stdin closes, whoever asked is gone,
and the whole process group ends. Learner code never runs here.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import resource
import select
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

from grader.bench import Bench
from grader.cell_session import run_cell_sources
from grader.context import RunContext
from grader.cores import own_cores
from grader.errors import CandidateError, InfraError, JudgeError
from grader.events import Event
from grader.gpu.own import own_gpu
from grader.verdict import Fault
from grader.wire import Began, Broken, CellEnded, CellRequest, Final, Judged, JudgeRequest, Ready, Told, read_request
from sandbox import MIB, SandboxUnavailable, open_backend

_AHEAD = ("grader.api", "sandbox.boxd.client", "statistics", "numpy", "numpy.random")


class Outbox:
    """Writes whole lines; events come from several threads."""

    def __init__(self, fd: int) -> None:
        self._file = os.fdopen(fd, "wb")
        self._lock = threading.Lock()

    def ready(self) -> None:
        self._write(Ready())

    def began(self) -> None:
        self._write(Began())

    def event(self, event: Event) -> None:
        self._write(Told(event=event))

    def final(self, message: Final) -> None:
        self._write(message)

    def _write(self, message: Ready | Began | Told | Final) -> None:
        with self._lock:
            self._file.write(message.model_dump_json().encode() + b"\n")
            self._file.flush()


def main() -> None:
    """Serve one request."""
    outbox = Outbox(int(sys.argv[1]))
    with contextlib.suppress(BrokenPipeError):  # whoever started us is gone already: stdin says so, too
        outbox.ready()
    line = _await_request()
    if not line:
        return
    request = read_request(line)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGTERM, _terminate)
    outbox.final(run(request, outbox))


def _await_request() -> bytes:
    """The line, or nothing when whoever started us went without asking."""
    if not select.select([0], [], [], 0)[0]:
        _import_ahead()
    line = sys.stdin.buffer.readline()
    if not line:
        _remove_folder()
    return line


def _remove_folder() -> None:
    """Nobody else is left to do it. Only while it is empty, as it was given to us."""
    with contextlib.suppress(OSError):
        Path.cwd().rmdir()


def _import_ahead() -> None:
    """While nobody waits: what most judges need, and a run that waits may do without."""
    for name in _AHEAD:
        importlib.import_module(name)


def run(request: JudgeRequest | CellRequest, outbox: Outbox) -> Final:
    """Do what was asked; every way to fail has its own answer."""
    try:
        if isinstance(request, CellRequest):
            return CellEnded(fault=run_cell_sources(request, open_backend(request.backend), outbox.event))
        return _judge(request, outbox)
    except SandboxUnavailable as error:
        return Broken(kind="unavailable", text=str(error))
    except InfraError as error:
        return Broken(kind="infra", text=str(error))
    except Exception:
        return Broken(kind="judge", text=traceback.format_exc()[-20_000:])


def _judge(request: JudgeRequest, outbox: Outbox) -> Judged:
    limits = request.manifest.limits_for(request.tier)
    # Not below the box's own limit: our children inherit ours.
    _limit_memory(max(limits.judge_memory_mb, limits.memory_mb + 256))
    context = RunContext(
        exercise=request.exercise,
        folder=request.judge.parent,
        manifest=request.manifest,
        tier=request.tier,
        limits=limits,
        files=request.files,
        assets=request.assets,
        backend=open_backend(request.backend),
        emit=outbox.event,
        certified=request.certified,
    )
    if not request.timed:
        return _measure(context, request)
    with contextlib.ExitStack() as held:
        context = context.on_cores(
            held.enter_context(own_cores(context.backend, request.manifest.protocol, outbox.event))
        )
        if request.tier == "gpu":
            context = context.on_gpu(*held.enter_context(own_gpu(context.backend, limits.vram_mb, outbox.event)))
        outbox.began()
        return _measure(context, request)


def _measure(context: RunContext, request: JudgeRequest) -> Judged:
    bench = Bench(context, request.seed)
    fault = None
    try:
        load_judge(request.judge)(bench)
        bench.finish()
    except CandidateError as error:
        fault = Fault(verdict=error.verdict, message=error.message)
    finally:
        bench.close()
    return Judged(measured=bench.measurements(), fault=fault)


def load_judge(path: Path) -> Callable[[Bench], None]:
    """The `judge` function of an exercise. Raises JudgeError when there is none."""
    spec = importlib.util.spec_from_file_location("judge", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    judge = getattr(module, "judge", None)
    if not callable(judge):
        raise JudgeError(f"{path} has no function judge(bench)")
    return judge  # type: ignore[no-any-return]


def _limit_memory(megabytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (megabytes * MIB, megabytes * MIB))


def _end_with_parent() -> None:
    # Not through sys.stdin: its lock would stand in the way of our own exit.
    while os.read(0, 4096):
        pass
    _remove_folder()
    os.killpg(0, signal.SIGKILL)


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    """Unwinds the stack, so that boxes are closed in good order."""
    raise SystemExit(143)


if __name__ == "__main__":
    code = 1
    try:
        main()
        code = 0
    except SystemExit:
        code = 143
    finally:
        if code == 1:
            traceback.print_exc()
        sys.stdout.flush()
        # Not by the interpreter's own way out: threads that still wait hold nothing up.
        os._exit(code)
