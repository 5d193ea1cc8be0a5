"""The measurements of `bench box`, one function each."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from sandbox.bench.contenders import BARE, Contender, Missing
from sandbox.bench.goals import COLD_BOX, COLD_PROCESS, PASS_GROUP, TRUE_GROUP, WARM_BOX
from sandbox.bench.memory import box_of, tree, weight_of
from sandbox.bench.results import Group, Held
from sandbox.bench.throughput import Kind
from sandbox.bench.timing import BenchError, Case, interleave
from sandbox.bench.warmth import WarmStarter
from sandbox.spec import WarmStack

Say = Callable[[str], None]
TRUE = "/usr/bin/true"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long to measure.

    Rounds of each kind of group; seconds and readings of each rate; seconds to wait for a template, each.
    """

    exit_rounds: int
    torch_rounds: int
    transformers_rounds: int
    rate_s: float
    rate_readings: int
    ready_s: float

    @classmethod
    def chosen(cls, *, quick: bool, rounds: int | None) -> Effort:
        """`rounds` replaces all three numbers of rounds."""
        given = (rounds, rounds, rounds) if rounds is not None else (15, 3, 2) if quick else (41, 11, 7)
        rate_s, readings, ready_s = (1.0, 1, 60.0) if quick else (2.0, 3, 180.0)
        return cls(
            exit_rounds=given[0], torch_rounds=given[1], transformers_rounds=given[2],
            rate_s=rate_s, rate_readings=readings, ready_s=ready_s,
        )  # fmt: skip


def time_exits(
    python: str, contenders: Sequence[Contender | Missing], rounds: int, rng: random.Random, say: Say
) -> list[Group]:
    """Start to exit of the smallest program and of the smallest Python program."""
    programs = {TRUE_GROUP: [TRUE], PASS_GROUP: [python, "-c", "pass"]}
    there = [one for one in contenders if isinstance(one, Contender)]
    missing = [one for one in contenders if isinstance(one, Missing)]
    groups = []
    for name, argv in programs.items():
        cases = [Case(name=one.name, sample=partial(one.to_exit, argv)) for one in there]
        samples = interleave(cases, rounds, rng, _counter(say, name, rounds))
        program = " ".join(["python" if word == python else word for word in argv])
        groups.append(Group(name=name, program=program, baseline=BARE, samples=samples, missing=missing))
    return groups


def time_first_lines(name: str, starter: WarmStarter, rounds: int, rng: random.Random, say: Say) -> Group:
    """Start to the first line of a program that imports the stack; `starter` has its template ready, or no warm box."""
    cases = [
        Case(name=COLD_PROCESS, sample=starter.cold_process),
        Case(name=COLD_BOX, sample=starter.cold_box),
    ]
    missing = []
    if starter.ready:
        cases.append(Case(name=WARM_BOX, sample=starter.warm_box))
    else:
        missing.append(Missing(name=WARM_BOX, why=starter.why_cold()))
    samples = interleave(cases, rounds, rng, _counter(say, name, rounds))
    return Group(
        name=name, program=f"python -c '{starter.stack.imports}; print(…)'", baseline=COLD_PROCESS,
        samples=samples, missing=missing, cold_starts=starter.cold_starts,
    )  # fmt: skip


def ready_template(starter: WarmStarter, within_s: float, say: Say) -> Held | None:
    """Wait for a template of the stack; what it holds once nothing runs in it. None where no box gets warm.

    Copies that it keeps ready for the next boxes are counted with it.
    """
    say(f"waiting for a template of {starter.stack.warm}")
    before = tree()
    if not starter.await_ready(within_s):
        return None
    gained = tree() - before
    name = f"idle template of {starter.stack.warm}"
    return Held(name=name, processes=len(gained), weight=weight_of(gained))


def memory_of_box(starter: WarmStarter, warm: WarmStack) -> Held:
    """A box whose program has imported the stack and waits. Raises BenchError if it is not as warm as asked."""
    marker = f"bench-{secrets.token_hex(8)}"
    argv = [starter.python, "-c", f"{starter.stack.code}; sys.stdin.read()  # {marker}"]
    process = starter.backend.prepare(starter.spec(warm)).start(argv)
    try:
        state = process.stdout.readline().decode().strip()
        if state != ("cold" if warm == "none" else "warm"):
            raise BenchError(f"the box whose memory was to be read started {state or 'not at all'}")
        pids = box_of(marker)
        kind = COLD_BOX if warm == "none" else WARM_BOX
        name = f"{kind} that has imported {starter.stack.warm}"
        return Held(name=name, processes=len(pids), weight=weight_of(pids))
    finally:
        process.close()


def kinds_of_boxes(contenders: Sequence[Contender | Missing], warm: WarmStarter | None) -> list[Kind]:
    """`true` by everybody, and warm boxes to the first line of a program that imports their stack.

    One start after another cannot live on what was made ahead: what a box costs in all shows here.
    """

    def run_true(contender: Contender) -> str:
        contender.to_exit([TRUE])
        return ""

    there = [one for one in contenders if isinstance(one, Contender)]
    kinds = [Kind(name=f"{one.name}, true", run_one=partial(run_true, one)) for one in there]
    if warm is not None:
        kinds.append(Kind(name=f"{WARM_BOX}, {warm.stack.imports}", run_one=warm.any_box))
    return kinds


def _counter(say: Say, name: str, rounds: int) -> Callable[[int], None]:
    return lambda number: say(f"{name}: round {number} of {rounds}")
