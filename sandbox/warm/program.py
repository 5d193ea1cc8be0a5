"""Which programs a copy of a template can run as the interpreter itself would; all others start cold."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sandbox.interpreter import interpreter_mounts
from sandbox.plan import environment
from sandbox.spec import BoxSpec, Mount, WarmStack

_SAFE_PATH = "-P"
# More threads at import than one would make a template that cannot be copied.
_FORCED: Mapping[str, str] = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
TEMPLATE_OPEN_FILES = 4096


class NotWarmError(Exception):
    """This program starts cold; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateKey:
    """What a template was started with, and every box that is copied from it: nothing here may differ between them."""

    stack: WarmStack
    python: str
    safe_path: bool
    environment: tuple[tuple[str, str], ...]
    mounts: tuple[Mount, ...]

    def template_environment(self, code: str) -> dict[str, str]:
        """The box's own environment, with our code on the path and what keeps the template to one thread."""
        return {**dict(self.environment), **_FORCED, "PYTHONPATH": code}


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A command line that a copy can run. `name`: a module, a file's absolute path, or code."""

    kind: Literal["module", "file", "code"]
    name: str
    shown_as: str
    arguments: tuple[str, ...]
    path: tuple[str, ...]


def template_key(spec: BoxSpec, argv: Sequence[str]) -> TemplateKey:
    """Which template this box would come from. Raises NotWarmError."""
    python = argv[0]
    if spec.warm == "none":
        raise NotWarmError("no stack is wished for")
    if spec.gpus:
        raise NotWarmError("a GPU is never touched by a template")
    if spec.open_files > TEMPLATE_OPEN_FILES:
        raise NotWarmError(f"more than {TEMPLATE_OPEN_FILES} open files are asked for")
    if any(spec.env.get(name, value) != value for name, value in _FORCED.items()):
        raise NotWarmError(f"the environment sets one of {', '.join(_FORCED)} to something else")
    return TemplateKey(
        stack=spec.warm,
        python=python,
        safe_path=_SAFE_PATH in argv[1:2],
        environment=tuple(sorted(environment(spec).items())),
        mounts=_interpreter(spec, python),
    )


def _interpreter(spec: BoxSpec, python: str) -> tuple[Mount, ...]:
    try:
        needed = interpreter_mounts(Path(python).parent.parent)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise NotWarmError(f"{python} is not the interpreter of a virtual environment") from None
    if not set(needed) <= set(spec.mounts):
        raise NotWarmError(f"the mounts lack what {python} needs")
    return needed


def parse_program(spec: BoxSpec, argv: Sequence[str]) -> Program:
    """Read `[python, "-P"?, "-m" module | "-c" code | file of the spec, arguments…]`. Raises NotWarmError."""
    rest = list(argv[1:])
    safe_path = rest[:1] == [_SAFE_PATH]
    if safe_path:
        del rest[0]
    if len(rest) >= 2 and rest[0] in {"-m", "-c"}:
        flag, name, *arguments = rest
        first = "/work" if flag == "-m" else ""
        kind: Literal["module", "code"] = "module" if flag == "-m" else "code"
        return Program(
            kind=kind, name=name, shown_as=flag, arguments=tuple(arguments), path=_path(spec, first, safe_path)
        )
    if not rest or rest[0].startswith("-"):
        raise NotWarmError("the command line is none that a copy can run")
    return _file(spec, rest[0], rest[1:], safe_path=safe_path)


def _file(spec: BoxSpec, name: str, arguments: Sequence[str], *, safe_path: bool) -> Program:
    place = os.path.normpath(spec.file_path(name))
    if place not in {spec.file_path(file) for file in spec.files} or not place.endswith(".py"):
        raise NotWarmError(f"{name} is not one of the box's own .py files")
    path = _path(spec, os.path.dirname(place), safe_path)  # noqa: PTH120  a path in the box
    return Program(kind="file", name=place, shown_as=name, arguments=tuple(arguments), path=path)


def _path(spec: BoxSpec, first: str, safe_path: bool) -> tuple[str, ...]:
    """What comes before the standard library in sys.path, as the interpreter works it out."""
    listed = [folder or "/work" for folder in spec.env.get("PYTHONPATH", "").split(":")]
    own = [] if safe_path else [first]
    return (*own, *(listed if spec.env.get("PYTHONPATH") else []))
