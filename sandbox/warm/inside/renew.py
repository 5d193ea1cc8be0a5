"""Makes a copied interpreter look and behave like one that has just begun, with its stack already imported."""

from __future__ import annotations

import atexit
import os
import random
import sys
import weakref
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from sandbox.warm.inside import area

_OURS = "sandbox"
Handler = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class ExitHandlers:
    """What was registered with atexit while the stack was imported; the standard library has no way to list it."""

    def __init__(self) -> None:
        self._seen: list[Handler] = []
        self._register = atexit.register

    def __enter__(self) -> ExitHandlers:
        atexit.register = self._note  # type: ignore[assignment]
        return self

    def __exit__(self, *_: object) -> None:
        atexit.register = self._register

    def _note(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., Any]:
        self._seen.append((function, args, kwargs))
        return self._register(function, *args, **kwargs)

    def keep_only_standard(self) -> None:
        """Those of the standard library flush files and end processes of the learner's; others belong to the stack."""
        atexit._clear()
        for function, args, kwargs in self._seen:
            if _is_standard(function):
                atexit.register(function, *args, **kwargs)


def _is_standard(function: Callable[..., Any]) -> bool:
    return str(getattr(function, "__module__", "")).partition(".")[0] in sys.stdlib_module_names


def renew(plain: dict[str, Any], base_path: Sequence[str], handlers: ExitHandlers) -> None:
    """Both steps at once, for an interpreter that was not copied."""
    prepare(base_path, handlers)
    address(plain, base_path)


def prepare(base_path: Sequence[str], handlers: ExitHandlers) -> None:
    """What no order is needed for: modules, finalizers, exit handlers and random streams."""
    _forget_ours(base_path)
    _disown_finalizers()
    handlers.keep_only_standard()
    reseed()


def address(plain: dict[str, Any], base_path: Sequence[str]) -> None:
    """Environment, arguments and import path, as the order has them."""
    os.environ.clear()  # first: what libc calls the environment lies in the area that is overwritten
    area.show(plain["argv"])
    os.environ.update(plain["environment"])
    sys.orig_argv = list(plain["argv"])
    sys.argv = [plain["program"]["shown_as"], *plain["program"]["arguments"]]
    sys.path[:] = [*plain["path"], *base_path]


def _forget_ours(base_path: Sequence[str]) -> None:
    for name in [name for name in sys.modules if name == _OURS or name.startswith(_OURS + ".")]:
        del sys.modules[name]
    for folder in [folder for folder in sys.path_importer_cache if not folder.startswith(tuple(base_path))]:
        del sys.path_importer_cache[folder]


def _disown_finalizers() -> None:
    """What the stack wanted done at its own end is not for a copy to do."""
    for info in weakref.finalize._registry.values():  # type: ignore[attr-defined]
        info.atexit = False


def reseed() -> None:
    """Every generator that the template may have seeded: no two boxes may draw alike."""
    random.seed()
    _call("numpy.random", "seed")
    _call("torch", "seed")
    if ssl := sys.modules.get("ssl"):
        # OpenSSL notices a fork by the process id, and those repeat from box to box.
        ssl.RAND_add(os.urandom(64), 64.0)
    if tempfile := sys.modules.get("tempfile"):
        tempfile._name_sequence = None  # type: ignore[attr-defined]
    if process := sys.modules.get("multiprocessing.process"):
        process.current_process().authkey = os.urandom(32)


def _call(module: str, function: str) -> None:
    found: ModuleType | None = sys.modules.get(module)
    if found is not None:
        getattr(found, function)()
