"""Runs a file as `python -u file args` would, in a process that ran something of ours before.

What stays different: `sys.flags`, the hash seed and `/proc/self/cmdline` and `environ` are those of the process.
"""

from __future__ import annotations

import atexit
import builtins
import contextlib
import gc
import io
import os
import random
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

_OURS = str(Path(__file__).resolve().parents[2])  # where the package `sandbox` lies
_CANNOT_RUN = 2
_FAILED = 1


def run(entry: str, argv: Sequence[str]) -> int:
    """Run `entry` as `__main__`; the exit code that the interpreter would end with, negative for SIGINT's death.

    Tracebacks are printed as the interpreter prints them, without frames of ours.
    """
    path = Path(entry).absolute()
    _forget_ourselves(str(path.parent.resolve()))
    sys.argv = [entry, *argv]
    sys.orig_argv = [sys.executable, "-u", entry, *argv]
    loader = SourceFileLoader("__main__", str(path))
    module = _main_module(path, loader)
    try:
        source = loader.get_data(str(path))
    except OSError as error:
        print(
            f"{sys.executable}: can't open file {str(path)!r}: [Errno {error.errno}] {error.strerror}", file=sys.stderr
        )
        return _CANNOT_RUN
    try:
        exec(compile(source, str(path), "exec", dont_inherit=True), vars(module))
    except SystemExit as leave:
        return _code_of(leave)
    except BaseException as error:
        return _report(error)
    return 0


def become_fresh(environment: Mapping[str, str]) -> None:
    """In a process that was forked: undo what a new interpreter would not have."""
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.environ.clear()
    os.environ.update(environment)
    _open_streams()
    reseed()


def reseed() -> None:
    """Draws of ours and of our siblings are no draws of this process's."""
    random.seed()
    if (numpy_random := sys.modules.get("numpy.random")) is not None:
        numpy_random.seed()
    if (torch := sys.modules.get("torch")) is not None:
        torch.default_generator.seed()  # not torch.seed(): it would touch the GPUs


def leave(code: int) -> NoReturn:
    """End as the interpreter does: threads, exit functions, buffers; but without taking every module apart.

    That would copy the memory that is shared with the process we were forked from.
    """
    with contextlib.suppress(BaseException):  # an interrupt here ends the waiting, as in the interpreter
        threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    _release_main()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # closed, or replaced by something of the learner's
            stream.flush()
    if code == -signal.SIGINT:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    os._exit(code & 0xFF)


def _forget_ourselves(folder: str) -> None:
    """The learner's own modules may have any name, ours included."""
    sys.path[:] = [folder, *(path for path in sys.path if path not in {"", _OURS, str(Path(__file__).parent), folder})]
    for name in [name for name in sys.modules if name.split(".")[0] == "sandbox"]:
        del sys.modules[name]


def _main_module(path: Path, loader: SourceFileLoader) -> ModuleType:
    module = ModuleType("__main__")
    names: dict[str, Any] = {
        "__file__": str(path),
        "__loader__": loader,
        "__cached__": None,
        "__builtins__": builtins,
        "__annotations__": {},
    }
    vars(module).update(names)
    sys.modules["__main__"] = module
    return module


def _code_of(leave: SystemExit) -> int:
    if leave.code is None:
        return 0
    if isinstance(leave.code, int):
        return leave.code & 0xFF
    print(leave.code, file=sys.stderr)
    return _FAILED


def _report(error: BaseException) -> int:
    _without_our_frame(error)
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except SystemExit as leave:
        return _code_of(leave)
    except BaseException as failure:  # the learner's own hook: told as the interpreter tells it
        _without_our_frame(failure)
        failure.__context__ = None
        print("Error in sys.excepthook:", file=sys.stderr)
        sys.__excepthook__(type(failure), failure, failure.__traceback__)
        print("\nOriginal exception was:", file=sys.stderr)
        sys.__excepthook__(type(error), error, error.__traceback__)
    return -signal.SIGINT if isinstance(error, KeyboardInterrupt) else _FAILED


def _without_our_frame(error: BaseException) -> None:
    error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next


def _open_streams() -> None:
    """As `python -u` has them under the box's LANG, C.UTF-8."""
    lenient = "surrogateescape"
    stdin = io.TextIOWrapper(io.BufferedReader(_raw(0, "<stdin>", "rb")), encoding="utf-8", errors=lenient)
    stdout = io.TextIOWrapper(_raw(1, "<stdout>", "wb"), encoding="utf-8", errors=lenient, write_through=True)
    stderr = io.TextIOWrapper(
        _raw(2, "<stderr>", "wb"), encoding="utf-8", errors="backslashreplace", write_through=True
    )
    sys.stdin = sys.__stdin__ = stdin  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = stdout  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = stderr  # type: ignore[misc]


def _raw(fd: int, name: str, mode: str) -> Any:
    raw = io.FileIO(fd, mode, closefd=False)
    raw.name = name
    return raw


def _release_main() -> None:
    """Let go of the program's names, so that objects end and files are written, as at the interpreter's end."""
    names = vars(sys.modules["__main__"])
    for name in [name for name in names if name != "__builtins__"]:
        names[name] = None
    gc.collect()
    for item in gc.get_objects():
        # By type: asking a proxy for its class may run its code.
        if issubclass(type(item), io.BufferedWriter | io.BufferedRandom | io.TextIOWrapper):
            with contextlib.suppress(Exception):  # read-only, closed, or on a pipe that nobody reads
                item.flush()
