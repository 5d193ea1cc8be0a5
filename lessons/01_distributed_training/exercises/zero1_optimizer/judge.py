"""Is the wire between the ranks, and moves the job to other boxes half way.

Each rank runs in a box of its own. What it tells the others passes through here and is counted. What an optimizer
remembers cannot be seen from outside, but it can be cut off: between two steps all ranks begin anew in fresh boxes, and
get the right weights from us and what state() gave before. So its bytes are counted exactly, and less than what is
needed shows in the next step. That no more than that is kept meanwhile, the growth of each box's memory tells.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from grader.api import Bench, Candidate, Rng, WrongAnswer, measures

TURN_SECONDS = 30.0
MOST_MESSAGES = 20_000  # of one rank in one life
MOST_BYTES = 1 << 20  # of values in one answer: what is under way must not count in a box's memory
MOST_ENTRIES, MOST_NAME = 10_000, 100  # of a state
MOST_TIMES_NEEDED = 8  # a rank that sends more than so much is stopped
PLACES = 16_384  # weights that are compared after each step, drawn anew
ITEM_BYTES = {"float64": 8, "int64": 8, "float32": 4, "int32": 4, "bfloat16": 2, "float16": 2, "int16": 2}
ITEM_BYTES |= {"int8": 1, "uint8": 1, "bool": 1}

TIMES = {"all_reduce": 2, "reduce": 1, "broadcast": 1}  # a ring's all-reduce scatters sums and gathers them
LAUNCH = {"number": int, "op": str, "root": int, "size": int, "values": np.ndarray}
MESSAGES: dict[str, dict[str, type]] = {
    "flush": {},
    "wait": {"number": int},
    "weights": {"number": int},
    "ready": {},
    "load": {"name": str},
    "next": {},
    "values": {"values": np.ndarray},
    "state": {"name": str, "dtype": str, "shape": list, "values": np.ndarray},
    "end": {},
}
Order = tuple[str, Any]
State = dict[str, list[Any]]  # name: dtype, shape, bytes


class Mismatch(Exception):
    """Two ranks launched different collectives under one number."""


class Task(NamedTuple):
    """`seeds`: (steps, ranks). `places`: for each step. The job moves before step `move`."""

    sizes: dict[str, int]
    start: list[np.ndarray]
    seeds: np.ndarray
    places: list[np.ndarray]
    move: int

    @property
    def ranks(self) -> int:
        return int(self.seeds.shape[1])

    @property
    def parameters(self) -> int:
        return sum(array.size for array in self.start)


class Wanted(NamedTuple):
    """What one process has: the weights at the places of each step, and all of them when the job moves."""

    values: list[np.ndarray]
    moved: list[np.ndarray]


class Exchange:
    """The collectives of one life: what was launched, until every rank has taken its result."""

    def __init__(self, ranks: int) -> None:
        self.ranks = ranks
        self.counts = [0] * ranks
        self.kinds: list[tuple[str, int, int]] = []
        self.parts: list[list[np.ndarray]] = []
        self.results: dict[int, np.ndarray] = {}
        self.taken: list[set[int]] = []

    def launch(self, rank: int, launch: Mapping[str, Any]) -> None:
        number, kind = self.counts[rank], (launch["op"], launch["root"], launch["size"])
        gives = launch["op"] != "broadcast" or launch["root"] == rank
        if launch["number"] != number or launch["root"] not in range(self.ranks):
            raise WrongAnswer(f"rank {rank} launched a collective out of order, or with an unknown rank")
        if launch["values"].size != (launch["size"] if gives else 0):
            raise WrongAnswer(f"rank {rank} launched values of another size than it said")
        if number == len(self.kinds):
            self.kinds.append(kind)
            self.parts.append([])
            self.taken.append(set())
        elif self.kinds[number] != kind:
            told = " and ".join(f"{op} of {size} (rank {root})" for op, root, size in (self.kinds[number], kind))
            raise Mismatch(f"Collective #{number} is not the same on all ranks: {told}.")
        if gives:
            self.parts[number].append(launch["values"])
        self.counts[rank] += 1
        if min(self.counts) > number:
            self.results[number] = np.sum(self.parts[number], axis=0, dtype=np.float32)
            self.parts[number] = []

    def take(self, rank: int, number: int) -> list[list[Any]]:
        """The result of this collective, and of the next ones as far as they are there. Each is given once."""
        if rank in self.taken[number]:
            raise WrongAnswer("a rank waits for each collective once: wire.py does it")
        found, size = [], 0
        while number in self.results and rank not in self.taken[number] and size < MOST_BYTES:
            op, root, _ = self.kinds[number]
            takes = {"all_reduce": True, "reduce": rank == root, "broadcast": rank != root}[op]
            values = self.results[number] if takes else np.empty(0, np.float32)
            found.append([number, values])
            size += values.nbytes
            self.taken[number].add(rank)
            if len(self.taken[number]) == self.ranks:
                del self.results[number]
            number += 1
        return found

    @property
    def bytes(self) -> int:
        """Sent by a rank, as a ring would send it but for the factor (N - 1) / N."""
        return sum(TIMES[op] * 4 * size for op, _, size in self.kinds)


class Rank:
    """One box, its unanswered message, and what came of it."""

    def __init__(self, candidate: Candidate, number: int, exchange: Exchange, task: Task, life: Life) -> None:
        self.candidate, self.number, self.exchange, self.task, self.life = candidate, number, exchange, task, life
        self.orders: deque[Order] = deque(life.orders(task, number))
        self.looks: list[np.ndarray] = []
        self.state: State = {}
        self.messages = self.memory_ready = self.memory_end = 0
        names = None if life.states is None else list(life.states[number])
        self._receive(candidate.call("begin", number, task.ranks, task.sizes, names, timeout_s=TURN_SECONDS))

    @property
    def ended(self) -> bool:
        return self.message["kind"] == "end"

    def go_on(self) -> bool:
        """Answer the message and take the next one; False while it must wait for another rank."""
        kind = self.message["kind"]
        if self.ended or (kind == "wait" and min(self.exchange.counts) <= self.message["number"]):
            return False
        self._receive(self.candidate.call("go_on", getattr(self, f"_{kind}")(), timeout_s=TURN_SECONDS))
        return True

    def stand(self) -> str:
        what = f"waits for collective #{self.message['number']}" if self.message["kind"] == "wait" else "has ended"
        return f"rank {self.number} {what} after launching {self.exchange.counts[self.number]}"

    def _receive(self, answer: object) -> None:
        self.message = read_message(answer)
        self.messages += 1
        for launch in self.message["launches"]:
            self.exchange.launch(self.number, launch)
        if self.messages > MOST_MESSAGES or self.exchange.bytes > MOST_TIMES_NEEDED * needed_bytes(self.task):
            raise WrongAnswer(f"rank {self.number} sent far more than any optimizer needs")

    def _wait(self) -> list[list[Any]]:
        return self.exchange.take(self.number, self.message["number"])

    def _flush(self) -> None: ...

    def _weights(self) -> np.ndarray:
        if self.message["number"] >= len(self.life.weights):
            raise WrongAnswer("there are no such weights: job.py asks for each parameter once")
        return self.life.weights[self.message["number"]]

    def _ready(self) -> None:
        """Weights and gradients are there, and no line of the learner's has run yet."""
        self.memory_ready = self.candidate.usage.peak_memory_bytes

    def _load(self) -> list[Any]:
        name = self.message["name"]
        if self.life.states is None or name not in self.life.states[self.number]:
            raise WrongAnswer("there is no such entry: job.py asks for what was saved")
        return self.life.states[self.number][name]

    def _next(self) -> list[Any] | None:
        if not self.orders or self.orders[0][0] == "save":
            self.memory_end = self.candidate.usage.peak_memory_bytes
        return list(self.orders.popleft()) if self.orders else None

    def _values(self) -> None:
        values = self.message["values"]
        if len(self.looks) == len(self.life.steps):
            raise WrongAnswer("a rank shows its weights once a step: job.py does it")
        wanted = self.task.places[self.life.steps[len(self.looks)]].shape
        if (values.dtype, values.shape) != (np.float32, wanted):
            raise WrongAnswer("the weights must stay float32 tensors of their shapes")
        self.looks.append(values)

    def _state(self) -> None:
        name, (dtype, shape, values) = self.message["name"], (self.message[key] for key in ("dtype", "shape", "values"))
        if dtype not in ITEM_BYTES or any(type(size) is not int or size < 0 for size in shape):
            raise WrongAnswer(f"state() holds a tensor that cannot be moved: {dtype} of shape {shape}"[:200])
        if (values.dtype, values.shape) != (np.uint8, (ITEM_BYTES[dtype] * int(np.prod(shape, dtype=np.int64)),)):
            raise WrongAnswer("state() must hold tensors")
        if len(name) > MOST_NAME or name in self.state or len(self.state) == MOST_ENTRIES:
            raise WrongAnswer(f"state() may have {MOST_ENTRIES:,} names of {MOST_NAME} characters")
        self.state[name] = [dtype, shape, values]


class Life(NamedTuple):
    """What all ranks begin with, and the steps that they do."""

    steps: range
    weights: list[np.ndarray]
    states: list[State] | None

    def orders(self, task: Task, rank: int) -> list[Order]:
        found: list[Order] = []
        for step in self.steps:
            found += [("step", int(task.seeds[step, rank])), ("look", task.places[step])]
        return found if self.states is not None else [*found, ("save", None)]


def judge(bench: Bench) -> None:
    torch.set_num_threads(1)
    task = draw_task(bench.rng, bench.sizes)
    wanted = train_alone(task)
    steps = len(task.seeds)
    bench.progress("the first boxes", 0.1)
    first = live(bench, task, Life(range(task.move), task.start, None))
    if first is None:
        return
    bench.progress("moving to fresh boxes", 0.5)
    states = [rank.state for rank in first]
    second = live(bench, task, Life(range(task.move, steps), wanted.moved, states))
    if second is None:
        return
    bench.check("collectives_match", True)
    report(bench, task, wanted, first, second)


def live(bench: Bench, task: Task, life: Life) -> list[Rank] | None:
    """Run all ranks in fresh boxes to their end; None, with the check failed, where they wait for each other."""
    exchange = Exchange(task.ranks)
    try:
        ranks = [Rank(bench.candidate(), number, exchange, task, life) for number in range(task.ranks)]
        problem = "" if drive(ranks) else "Every rank waits: " + "; ".join(rank.stand() for rank in ranks)
    except Mismatch as mismatch:
        problem = str(mismatch)
    if problem:
        bench.check("collectives_match", False, problem)
        return None
    if any(rank.orders or len(rank.looks) != len(life.steps) for rank in ranks):
        raise WrongAnswer("a rank ended before its last step")
    for rank in ranks:
        rank.candidate.finish()
    return ranks


def drive(ranks: Sequence[Rank]) -> bool:
    """Let the ranks take turns until all have ended; False when all wait for each other."""
    while not all(rank.ended for rank in ranks):
        moved = False
        for rank in ranks:
            while rank.go_on():
                moved = True
        if not moved:
            return False
    return True


def report(bench: Bench, task: Task, wanted: Wanted, first: list[Rank], second: list[Rank]) -> None:
    equal = all(
        np.array_equal(one, other)
        for ranks in (first, second)
        for rank in ranks
        for one, other in zip(rank.looks, ranks[0].looks, strict=True)
    )
    bench.check("replicas_equal", equal, "After a step the weights of two ranks are not the same.")
    for name, ranks, begin in (("error", first, 0), ("error_after_the_move", second, task.move)):
        worst = max(
            distance(task, begin + number, values, wanted.values[begin + number])
            for rank in ranks
            for number, values in enumerate(rank.looks)
        )
        bench.metric(name, worst, samples=len(ranks) * len(ranks[0].looks), provenance="recomputed")
    whole = unsharded_bytes(task)
    held = max(sum(values.nbytes for _, _, values in rank.state.values()) for rank in first)
    bench.metric("state_ratio", measures.count_ratio(held, whole, "observed"))
    grown = max(rank.memory_end - rank.memory_ready for rank in first)
    bench.metric("memory_ratio", grown / whole)
    sent = sum(ranks[0].exchange.bytes for ranks in (first, second))
    bench.metric("traffic_ratio", measures.count_ratio(sent, needed_bytes(task), "observed"))


# What is needed


def unsharded_bytes(task: Task) -> int:
    """AdamW's two moments of every parameter, and a step count of four bytes per tensor."""
    return sum(8 * array.size + 4 for array in task.start)


def needed_bytes(task: Task) -> int:
    """Every step scatters the gradients and gathers the weights: as much as plain data parallelism moves."""
    return len(task.seeds) * 2 * 4 * task.parameters


def distance(task: Task, step: int, values: np.ndarray, wanted: np.ndarray) -> float:
    """Off by so much, relative to what was learnt since the start; of the worst parameter."""
    start = np.concatenate([array.ravel() for array in task.start])[task.places[step]]
    ends = np.cumsum([array.size for array in task.start])
    cuts = np.searchsorted(task.places[step], ends)[:-1]
    worst = 0.0
    for mine, right, begin in zip(*(np.split(array, cuts) for array in (values, wanted, start)), strict=True):
        off = float(np.linalg.norm(mine.astype(np.float64) - right)) / float(np.linalg.norm(right - begin))
        worst = max(worst, off if np.isfinite(off) else 1e3)
    return min(worst, 1e3)


def read_message(answer: object) -> dict[str, Any]:
    """A message of wire.py and job.py with exactly its fields. Raises WrongAnswer."""
    kind = answer.get("kind") if isinstance(answer, dict) else None
    if not isinstance(kind, str) or kind not in MESSAGES or type(answer.get("launches")) is not list:
        raise WrongAnswer("a rank must speak as wire.py does")
    require_fields(answer, {"kind": str, "launches": list, **MESSAGES[kind]}, kind)
    for launch in answer["launches"]:
        require_fields(launch, LAUNCH, "launch")
        if launch["op"] not in TIMES or launch["values"].dtype != np.float32 or launch["values"].ndim != 1:
            raise WrongAnswer("collectives are all_reduce, reduce and broadcast, of float32 tensors")
    return answer


def require_fields(answer: object, fields: Mapping[str, type], kind: str) -> None:
    if not isinstance(answer, dict) or set(answer) != set(fields):
        raise WrongAnswer(f"a rank sent a {kind!r} message without the fields of one")
    negative = any(answer.get(name, 0) < 0 for name in ("number", "size") if type(answer.get(name)) is int)
    if negative or any(type(answer[name]) is not wanted for name, wanted in fields.items()):
        raise WrongAnswer(f"a rank sent a {kind!r} message with a field of another type")


# One process


def draw_task(rng: Rng, sizes: Mapping[str, float]) -> Task:
    draw = rng.child("task").numpy()
    ranks, steps = int(sizes["ranks"]), int(sizes["steps"])
    layers = {name: int(sizes[name]) for name in ("vocab", "width", "blocks")}
    start = [draw.normal(0, 0.02, size=shape).astype(np.float32) for shape in shapes_of(**layers)]
    begins = np.cumsum([0, *(array.size for array in start)])
    few = [begin + draw.integers(0, array.size, size=64) for begin, array in zip(begins, start, strict=False)]
    return Task(
        sizes=layers,
        start=start,
        seeds=draw.integers(0, 2**62, size=(steps, ranks)),
        places=[
            np.unique(np.concatenate([*few, draw.integers(0, begins[-1], size=PLACES)])).astype(np.int64)
            for _ in range(steps)
        ],
        move=int(draw.integers(1, steps)),
    )


def shapes_of(vocab: int, width: int, blocks: int) -> list[tuple[int, ...]]:
    block: list[tuple[int, ...]] = [(4 * width, width), (4 * width,), (width, 4 * width), (width,)]
    return [(vocab, width), *(block * blocks)]


def train_alone(task: Task) -> Wanted:
    """AdamW as job.py makes it, on the mean of the ranks' gradients."""
    weights = [torch.tensor(array).requires_grad_() for array in task.start]
    matrices, vectors = ([w for w in weights if w.ndim == n] for n in (2, 1))
    groups = [
        {"params": matrices, "lr": 1e-3, "weight_decay": 0.5},
        {"params": vectors, "lr": 2e-3, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups)
    values, moved = [], []
    for step, places in enumerate(task.places):
        if step == task.move:
            moved = [w.detach().numpy().copy() for w in weights]
        generators = [torch.Generator().manual_seed(int(seed)) for seed in task.seeds[step]]
        for weight in weights:
            drawn = [torch.empty_like(weight).normal_(generator=generator).detach() for generator in generators]
            weight.grad = torch.stack(drawn).sum(0) / task.ranks
        optimizer.step()
        values.append(np.concatenate([w.detach().numpy().ravel() for w in weights])[places])
    return Wanted(values, moved)
