"""An attack program: its text, and what it declares about itself. It is parsed here and run only in boxes."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, get_args

from sandbox.runner import parse_size
from sandbox.spec import BoxSpec, LimitName, Outcome, Status

FOLDER = Path(__file__).parent / "programs"
World = Literal["bubblewrap", "watchdog", "warm", "docker", "docker_warm"]
WORLDS: tuple[World, ...] = get_args(World)
# The watchdog differs from cgroups in how limits are held, and in nothing else.
_WATCHDOG_GROUPS = {"limits"}
_SIZES = {"memory_bytes", "disk_bytes", "shm_bytes", "output_bytes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A box that ended, and what it said."""

    outcome: Outcome
    out: str
    err: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """What must have happened. `exit` is asked of "exited" only, `signal` of "signalled" only.

    `says`: a regular expression for all of stdout; `error`: one found in stderr; `lacks`: a text in neither.
    `hits`: limits that must be among those named. `wall_s`: at most. `peak`: memory at least, as "100M".
    """

    status: tuple[Status, ...] = ("exited",)
    exit: int | None = 0
    signal: int | None = None
    hits: tuple[LimitName, ...] = ()
    says: str | None = None
    error: str | None = None
    lacks: str | None = None
    wall_s: float = 15.0
    peak: str | None = None

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Expect:
        """Raises ValueError for what is unknown, or expects nothing."""
        known = {field.name for field in fields(cls)}
        if unknown := set(raw) - known:
            raise ValueError(f"unknown fields {sorted(unknown)}: there are {sorted(known)}")
        if not set(raw) & {"says", "error", "status", "hits"}:
            raise ValueError("expects nothing that an attack could change: give says, error, status or hits")
        status = raw.get("status", "exited")
        values = {**raw, "status": (status,) if isinstance(status, str) else tuple(status)}
        values["hits"] = tuple(raw.get("hits", ()))
        if bad := set(values["status"]) - set(get_args(Status)) | set(values["hits"]) - set(get_args(LimitName)):
            raise ValueError(f"no such status or limit: {sorted(bad)}")
        return cls(**values)

    def check(self, said: Said) -> None:
        """Raises AssertionError with everything that the box said."""
        if problems := self._problems(said):
            told = f"{said.outcome}\nstdout: {said.out[:2000]}\nstderr: {said.err[-2000:]}"
            raise AssertionError(f"{'; '.join(problems)}\n{told}")

    def _problems(self, said: Said) -> list[str]:
        outcome = said.outcome
        found = {
            f"status is not {' or '.join(self.status)}": outcome.status not in self.status,
            f"exit code is not {self.exit}": outcome.status == "exited" and self.exit not in {None, outcome.exit_code},
            f"signal is not {self.signal}": outcome.status == "signalled" and self.signal not in {None, outcome.signal},
            f"the limits met lack one of {self.hits}": not set(self.hits) <= set(outcome.hits),
            f"stdout does not match {self.says!r}": self.says is not None
            and not re.fullmatch(self.says, said.out.strip(), re.DOTALL),
            f"stderr lacks {self.error!r}": self.error is not None and not re.search(self.error, said.err),
            f"{self.lacks!r} was said": self.lacks is not None and self.lacks in said.out + said.err,
            f"it took more than {self.wall_s} s": outcome.usage.wall_s > self.wall_s,
            f"the peak of memory is below {self.peak}": self.peak is not None
            and outcome.usage.peak_memory_bytes < parse_size(self.peak),
        }
        return [problem for problem, true in found.items() if true]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """`targets`: what of the host it is told about, as arguments. `roles`: which of the functions it has.

    `before` runs first, in a box of its own; `beside` runs in another box at the same time.
    """

    name: str
    text: str
    spec: Mapping[str, Any]
    targets: tuple[str, ...]
    attack: Expect
    control: Expect
    on_watchdog: Mapping[str, Any]
    roles: frozenset[str]

    @property
    def worlds(self) -> tuple[World, ...]:
        """Where it runs."""
        limits = self.name.split("/")[0] in _WATCHDOG_GROUPS
        return tuple(world for world in WORLDS if world != "watchdog" or limits)

    def expected(self, role: Literal["attack", "control"], world: World) -> Expect:
        """What must happen there."""
        if role == "control":
            return self.control
        if world == "watchdog" and self.on_watchdog:
            return Expect.read(self.on_watchdog)
        return self.attack


def load(path: Path) -> Program:
    """Read one program. Raises ValueError with its path for a header that says too much or too little."""
    text = path.read_text()
    try:
        return _parse(f"{path.parent.name}/{path.stem}", text)
    except (ValueError, SyntaxError) as error:
        raise ValueError(f"{path}: {error}") from error


def load_all(folder: Path = FOLDER) -> list[Program]:
    """Every program that runs by itself, by name; those of copy_out/ leave something for a guest to hand over."""
    return [load(path) for path in sorted(folder.glob("*/*.py")) if path.parent.name != "copy_out"]


def _parse(name: str, text: str) -> Program:
    tree = ast.parse(text)
    said = _declared(tree, {"SPEC", "TARGETS", "WATCHDOG", "ATTACK", "CONTROL"})
    return Program(
        name=name,
        text=text,
        spec=_read_spec(said.get("SPEC", {})),
        targets=tuple(said.get("TARGETS", ())),
        attack=Expect.read(said["ATTACK"]),
        control=Expect.read(said["CONTROL"]),
        on_watchdog=said.get("WATCHDOG", {}),
        roles=frozenset(_functions(tree) & {"attack", "control", "before", "beside"}),
    )


def read_header(path: Path, known: set[str]) -> dict[str, Any]:
    """What a program of another kind declares: `known` names and no others. Raises ValueError."""
    try:
        return _declared(ast.parse(path.read_text()), known)
    except (ValueError, SyntaxError) as error:
        raise ValueError(f"{path}: {error}") from error


def _declared(tree: ast.Module, known: set[str]) -> dict[str, Any]:
    """The literals of those names; a program may have constants of its own beside them."""
    if not ast.get_docstring(tree):
        raise ValueError("say in a docstring what it goes for")
    said: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id in known:
            said[node.targets[0].id] = ast.literal_eval(node.value)
    missing = {"ATTACK", "CONTROL", "attack", "control"} - set(said) - _functions(tree)
    if missing:
        raise ValueError(f"has no {', '.join(sorted(missing))}")
    return said


def _functions(tree: ast.Module) -> set[str]:
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def _read_spec(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    spec = {name: parse_size(value) if name in _SIZES else value for name, value in raw.items()}
    BoxSpec(**spec)  # its own checks say what is wrong
    return spec
