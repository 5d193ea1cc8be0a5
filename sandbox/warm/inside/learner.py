"""Runs the learner's program as the interpreter's own main would, and ends as it would."""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import runpy
import signal
import sys
import threading
import types
from collections.abc import Callable
from importlib.machinery import BuiltinImporter, SourceFileLoader
from typing import Any, NoReturn

_HERE = os.path.dirname(__file__)
_FLUSH_FAILED = 120  # as the interpreter's own main says it


def run(program: dict[str, Any], inherited: frozenset[str]) -> NoReturn:
    """Run and exit. `inherited`: names of the modules that the template had imported."""
    main = _new_main()
    code = _ending_of(lambda: _start(program, main))
    _finish(code, main, inherited)


def _new_main() -> types.ModuleType:
    main = types.ModuleType("__main__")
    vars(main).update(__builtins__=sys.modules["builtins"], __annotations__={}, __loader__=BuiltinImporter)
    sys.modules["__main__"] = main
    return main


def _start(program: dict[str, Any], main: types.ModuleType) -> None:
    # dont_inherit: our own `from __future__` must not hold for the learner.
    if program["kind"] == "module":
        runpy._run_module_as_main(program["name"])  # type: ignore[attr-defined]
    elif program["kind"] == "code":
        exec(compile(program["name"], "<string>", "exec", dont_inherit=True), vars(main))  # noqa: S102
    else:
        exec(_compiled_file(program["name"], main), vars(main))  # noqa: S102


def _compiled_file(path: str, main: types.ModuleType) -> types.CodeType:
    vars(main).update(__file__=path, __cached__=None, __loader__=SourceFileLoader("__main__", path))
    with open(path, "rb") as file:
        source = file.read()
    return compile(source, path, "exec", dont_inherit=True)


def _ending_of(start: Callable[[], None]) -> int:
    """The exit code; what was raised and not caught is reported first."""
    try:
        start()
    except SystemExit as error:
        return _exit_code(error.code)
    except BaseException as error:  # the learner's; the interpreter's main would print it, too
        _report(error)
        if isinstance(error, KeyboardInterrupt):
            return -signal.SIGINT
        return 1
    return 0


def _exit_code(value: object) -> int:
    if value is None:
        return 0
    if isinstance(value, int):
        return int(value)
    with contextlib.suppress(Exception):  # a closed stderr is no reason for another code
        print(value, file=sys.stderr)  # noqa: T201
    return 1


def _report(error: BaseException) -> None:
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_HERE):
        trace = trace.tb_next
    error.__traceback__ = trace
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, trace
    sys.excepthook(type(error), error, trace)


def _finish(code: int, main: types.ModuleType, inherited: frozenset[str]) -> NoReturn:
    """Wait for threads, run exit handlers, drop what the program holds, flush; not the template's own teardown."""
    _shielded(threading._shutdown)  # type: ignore[attr-defined]
    _shielded(atexit._run_exitfuncs)
    flushed = _flush()
    _shielded(lambda: _drop_modules(main, inherited))
    flushed = _flush() and flushed
    if code == -signal.SIGINT:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    os._exit((code if flushed else _FLUSH_FAILED) & 0xFF)


def _shielded(step: Callable[[], object]) -> None:
    try:
        step()
    except BaseException as error:  # the end must come, as in the interpreter's own finalisation
        with contextlib.suppress(BaseException):
            sys.excepthook(type(error), error, error.__traceback__)


def _drop_modules(main: types.ModuleType, inherited: frozenset[str]) -> None:
    """Files that the program left open are written when nothing holds them any more."""
    sys.last_value = sys.last_traceback = None
    own = [module for name, module in list(sys.modules.items()) if name not in inherited and name != "__main__"]
    for module in [main, *own]:
        names = getattr(module, "__dict__", {})
        for name in [name for name in names if name != "__builtins__"]:
            names[name] = None
    gc.collect()


def _flush() -> bool:
    """False if stdout or stderr could not take what was left."""
    done = True
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name, None)
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except BaseException as error:  # as the interpreter: said if it can be, and the exit code tells
            done = False
            if name == "stdout":
                _unraisable(error, stream)
    return done


def _unraisable(error: BaseException, stream: object) -> None:
    with contextlib.suppress(BaseException):
        arguments = types.SimpleNamespace(
            exc_type=type(error), exc_value=error, exc_traceback=error.__traceback__, err_msg=None, object=stream
        )
        sys.unraisablehook(arguments)
