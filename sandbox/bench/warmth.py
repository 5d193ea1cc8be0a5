"""Programs that import a stack and say whether it was imported already: so that no cold start counts as a warm one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from sandbox.backend import Backend
from sandbox.bench.timing import BenchError, box_to_line, process_to_line
from sandbox.spec import MIB, BoxSpec, Mount, WarmStack

_AGAIN_S = 0.25
_COLD_STARTS_IN_A_ROW = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What to import and how to say it. `probe`: the module whose presence tells that the start was warm."""

    warm: WarmStack
    probe: str
    imports: str

    @property
    def code(self) -> str:
        state = f"'warm' if {self.probe!r} in sys.modules else 'cold'"
        return f"import sys; state = {state}; {self.imports}; print(state, flush=True)"


TORCH = Stack(warm="torch", probe="torch", imports="import torch")
TRANSFORMERS = Stack(
    warm="transformers",
    probe="peft",
    imports="import torch, transformers; from transformers import AutoModelForCausalLM; from peft import LoraConfig",
)


@runtime_checkable
class Readying(Protocol):
    """A backend that can be waited for."""

    def wait_ready(self, spec: BoxSpec, argv: Sequence[str], timeout_s: float) -> bool:
        """Have what makes this box warm made, all of it; False if that will not be, or not in time."""
        ...


@dataclass(slots=True, kw_only=True)
class WarmStarter:
    """Times starts of one stack's program. `ready`: a warm box was had once; `cold_starts`: of those asked for since,
    how many were cold (a template is replaced now and then); they are not timed."""

    backend: Backend
    python: str
    mounts: tuple[Mount, ...]
    stack: Stack
    ready: bool = field(default=False, init=False)
    cold_starts: int = field(default=0, init=False)

    def spec(self, warm: WarmStack) -> BoxSpec:
        return BoxSpec(mounts=self.mounts, memory_bytes=1024 * MIB, wall_s=120, warm=warm)

    @property
    def argv(self) -> list[str]:
        return [self.python, "-c", self.stack.code]

    def cold_process(self) -> float:
        return _in_state("cold", process_to_line(self.argv))

    def cold_box(self) -> float:
        return _in_state("cold", box_to_line(self.backend, self.spec("none"), self.argv))

    def warm_box(self) -> float:
        """Asks again while no template is ready. Raises BenchError after 40 cold starts in a row."""
        for _ in range(_COLD_STARTS_IN_A_ROW):
            took, state = self._start_wished_warm()
            if state == "warm":
                return took
            self.cold_starts += 1
            time.sleep(_AGAIN_S)
        raise BenchError(f"no warm box of {self.stack.warm!r} in {_COLD_STARTS_IN_A_ROW} starts")

    def any_box(self) -> str:
        """Start one to its first line, wishing it warm; "warm" or "cold"."""
        return self._start_wished_warm()[1]

    def await_ready(self, within_s: float) -> bool:
        """Wait until a box is warm, at most about so many seconds; sets `ready`."""
        deadline = time.monotonic() + within_s
        self._wait_quietly(within_s)
        while not self.ready and time.monotonic() < deadline:
            self.ready = self.any_box() == "warm"
            if not self.ready:
                time.sleep(_AGAIN_S)
        self._wait_quietly(deadline - time.monotonic())
        return self.ready

    def _wait_quietly(self, within_s: float) -> None:
        """Without boxes that would only start cold and be in the way, where the backend can be asked."""
        if isinstance(self.backend, Readying):
            self.backend.wait_ready(self.spec(self.stack.warm), self.argv, max(0.0, within_s))

    def why_cold(self) -> str:
        """What the backend says of its warm boxes, where none was had."""
        said = [check.how for check in self.backend.check() if "warm" in check.name]
        return "; ".join(said) or f"the {self.backend.name} backend started every box cold"

    def _start_wished_warm(self) -> tuple[float, str]:
        return box_to_line(self.backend, self.spec(self.stack.warm), self.argv)


def _in_state(wanted: str, timed: tuple[float, str]) -> float:
    took, state = timed
    if state != wanted:
        raise BenchError(f"a {wanted} start was asked for; the program says that it was {state!r}")
    return took
