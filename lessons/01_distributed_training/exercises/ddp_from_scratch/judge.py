"""Is the wire between the ranks: each trains in a box of its own, and what it tells the others passes through here.

So a rank knows its own share of each batch and nothing of the others', bytes are counted as they pass, and overlap is
a matter of cause and effect: the gradient below a gate depends on a factor that is told when the backward pass asks
for it, so what was launched before the last gate opened was launched before the backward pass could have ended.
The weights after each step are compared with one process that trains here on the whole batches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from grader.api import Bench, Candidate, Rng, WrongAnswer

V, D, H, BLOCKS = 48, 32, 96, 5
FROZEN = "head.bias"
RATE, MOMENTUM = 0.1, 0.9
TURN_SECONDS = 20.0
MOST_MESSAGES = 5_000  # of one rank
MOST_ELEMENTS = 4_000_000  # of one rank's launches: some ten to a hundred times what is needed
SAME = 1e-4

OPS = ("all_reduce", "reduce", "broadcast")
LAUNCH = {"number": int, "op": str, "root": int, "size": int, "values": np.ndarray}
MESSAGES: dict[str, dict[str, type]] = {
    "flush": {},
    "wait": {"number": int},
    "gate": {"block": int},
    "batch": {"weights": dict},
    "end": {},
}

Weights = dict[str, Tensor]


class Mismatch(Exception):
    """Two ranks launched different collectives under one number."""


class Task(NamedTuple):
    """`words`, `targets`: (steps, ranks, B). `gates`: (steps, BLOCKS), the first unused. `probe`: a hidden batch."""

    starts: list[Weights]
    words: Tensor
    targets: Tensor
    gates: Tensor
    probe: tuple[Tensor, Tensor]


class Launch(NamedTuple):
    op: str
    root: int
    size: int
    values: np.ndarray  # empty where this rank gives nothing
    early: bool

    @property
    def bytes(self) -> int:
        return 4 * self.size


class Rank:
    """One box, its unanswered message, and what it has done so far."""

    def __init__(self, candidate: Candidate, number: int, task: Task) -> None:
        self.candidate, self.number, self.task = candidate, number, task
        self.launches: list[Launch] = []
        self.weights: list[Weights] = []
        self.step, self.next_gate, self.messages, self.elements = -1, 0, 0, 0
        start = {name: tensor.numpy() for name, tensor in task.starts[number].items()}
        self._receive(candidate.call("begin", number, len(task.starts), start, timeout_s=TURN_SECONDS))

    @property
    def ended(self) -> bool:
        return self.message["kind"] == "end"

    def go_on(self, ranks: Sequence[Rank]) -> bool:
        """Answer the message and take the next one; False while it must wait for another rank."""
        kind = self.message["kind"]
        if self.ended or (kind == "wait" and not self._is_there(ranks)):
            return False
        answer = getattr(self, f"_{kind}")(ranks)
        self._receive(self.candidate.call("go_on", answer, timeout_s=TURN_SECONDS))
        return True

    def stand(self) -> str:
        what = f"waits for collective #{self.message['number']}" if self.message["kind"] == "wait" else "has ended"
        return f"rank {self.number} {what} after launching {len(self.launches)}"

    def _receive(self, answer: object) -> None:
        self.message = read_message(answer)
        self.messages += 1
        early = self.step >= 0 and self.next_gate > 0  # the last gate has not opened
        for launch in self.message["launches"]:
            gives = launch["op"] != "broadcast" or launch["root"] == self.number
            if launch["number"] != len(self.launches) or not 0 <= launch["root"] < len(self.task.starts):
                raise WrongAnswer(f"rank {self.number} launched a collective out of order, or from an unknown rank")
            if launch["values"].size != (launch["size"] if gives else 0):
                raise WrongAnswer(f"rank {self.number} launched values of another size than it said")
            self.launches.append(Launch(launch["op"], launch["root"], launch["size"], launch["values"], early))
            self.elements += launch["size"]
        if self.messages > MOST_MESSAGES or self.elements > MOST_ELEMENTS:
            raise WrongAnswer(
                f"rank {self.number} sent more than {MOST_MESSAGES} messages or {MOST_ELEMENTS:,} numbers"
            )

    def _is_there(self, ranks: Sequence[Rank]) -> bool:
        return all(len(rank.launches) > self.message["number"] for rank in ranks)

    def _wait(self, ranks: Sequence[Rank]) -> list[list[Any]]:
        """This collective and what else every rank has launched since: one message for a whole step."""
        ready = min(len(rank.launches) for rank in ranks)
        return [
            [number, combine([rank.launches[number] for rank in ranks], number, self.number)]
            for number in range(self.message["number"], ready)
        ]

    def _flush(self, _ranks: Sequence[Rank]) -> None: ...

    def _gate(self, _ranks: Sequence[Rank]) -> float:
        if self.message["block"] != self.next_gate or self.next_gate < 1:
            raise WrongAnswer("the gates open once a step, from the last block to the first: job.py does it")
        self.next_gate -= 1
        return float(self.task.gates[self.step, self.message["block"]])

    def _batch(self, _ranks: Sequence[Rank]) -> list[np.ndarray] | None:
        self.weights.append(read_weights(self.message["weights"], self.task.starts[0]))
        self.step += 1
        if self.step == len(self.task.words):
            return None
        if self.step > len(self.task.words) or self.next_gate:
            raise WrongAnswer(
                "a rank asks for a batch when its step is done, and ends when there is none: job.py does it"
            )
        self.next_gate = BLOCKS - 1
        return [self.task.words[self.step, self.number].numpy(), self.task.targets[self.step, self.number].numpy()]


def judge(bench: Bench) -> None:
    torch.set_num_threads(1)
    task = draw_task(bench.rng, bench.sizes)
    ranks = [Rank(bench.candidate(), number, task) for number in range(len(task.starts))]
    try:
        problem = "" if drive(bench, ranks) else "Every rank waits: " + "; ".join(rank.stand() for rank in ranks)
    except Mismatch as mismatch:
        problem = str(mismatch)
    bench.check("collectives_match", not problem, problem)
    if not problem:
        report(bench, task, ranks)


def drive(bench: Bench, ranks: Sequence[Rank]) -> bool:
    """Let the ranks take turns until all have ended; False when all wait for each other."""
    steps = len(ranks[0].task.words)
    while not all(rank.ended for rank in ranks):
        moved = False
        for rank in ranks:
            while rank.go_on(ranks):
                moved = True
        if not moved:
            return False
        bench.progress("training", max(rank.step for rank in ranks) / steps)
    if any(len(rank.weights) != steps + 1 for rank in ranks):
        raise WrongAnswer("a rank ended before its last step")
    return True


def report(bench: Bench, task: Task, ranks: Sequence[Rank]) -> None:
    wanted = train_alone(task)
    gaps = [max(gap(mine, alone) for mine, alone in zip(rank.weights, wanted, strict=True)) for rank in ranks]
    start = max(gap(rank.weights[0], wanted[0]) for rank in ranks)
    replicas = max(
        gap(mine, first) for rank in ranks for mine, first in zip(rank.weights, ranks[0].weights, strict=True)
    )
    bench.check("same_start", start == 0, "Before the first step a rank has other weights than rank 0.")
    bench.check("replicas_equal", replicas == 0, f"Weights of two ranks differ by up to {replicas:.1e}.")
    bench.check("same_weights", max(gaps) <= SAME, f"Weights differ from one process by up to {max(gaps):.1e}.")
    losses = [probe_loss(weights, task) for weights in wanted]
    delta = max(
        abs(probe_loss(weights, task) - loss)
        for rank in ranks
        for weights, loss in zip(rank.weights, losses, strict=True)
    )
    samples = len(ranks) * len(wanted)
    bench.metric("loss_delta", min(delta, 1e6), samples=samples, provenance="recomputed")
    sent = max(sum(launch.bytes for launch in rank.launches) for rank in ranks)
    reduced = max(sum(launch.op == "all_reduce" for launch in rank.launches) for rank in ranks)
    bench.metric("bytes_ratio", sent / needed_bytes(task))
    bench.metric("early_share", min(early_share(rank.launches) for rank in ranks))
    bench.metric("messages", reduced / len(task.words))
    bench.check("bytes_exact", sent == needed_bytes(task), f"{sent:,} bytes; needed are {needed_bytes(task):,}.")


# What passes through


def combine(launches: Sequence[Launch], number: int, taker: int) -> np.ndarray:
    """What a rank gets: the sum in rank order, so that all get the same bits; the source's values; or nothing."""
    if len({(launch.op, launch.root, launch.size) for launch in launches}) > 1:
        told = ", ".join(f"{launch.op} of {launch.size} (rank {launch.root})" for launch in launches)
        raise Mismatch(f"Collective #{number} is not the same on all ranks: {told}.")
    op, root = launches[0].op, launches[0].root
    if op == "broadcast":
        return launches[root].values
    if op == "reduce" and taker != root:
        return np.empty(0, np.float32)
    total = launches[0].values.copy()
    for launch in launches[1:]:
        total += launch.values
    return total


def early_share(launches: Sequence[Launch]) -> float:
    """Of the bytes all-reduced, those that were launched before the backward pass could have ended."""
    reduced = [launch for launch in launches if launch.op == "all_reduce"]
    total = sum(launch.bytes for launch in reduced)
    return sum(launch.bytes for launch in reduced if launch.early) / total if total else 0.0


def needed_bytes(task: Task) -> int:
    """Every parameter once at the start, every trained one once a step; a tied one is one."""
    sizes = {name: 4 * tensor.numel() for name, tensor in task.starts[0].items()}
    return sum(sizes.values()) + len(task.words) * (sum(sizes.values()) - sizes[FROZEN])


def read_message(answer: object) -> dict[str, Any]:
    """A message of wire.py with exactly its fields. Raises WrongAnswer."""
    kind = answer.get("kind") if isinstance(answer, dict) else None
    if not isinstance(kind, str) or kind not in MESSAGES or type(answer.get("launches")) is not list:
        raise WrongAnswer("a rank must speak as wire.py does")
    require_fields(answer, {"kind": str, "launches": list, **MESSAGES[kind]}, kind)
    for launch in answer["launches"]:
        require_fields(launch, LAUNCH, "launch")
        if launch["op"] not in OPS or launch["values"].dtype != np.float32 or launch["values"].ndim != 1:
            raise WrongAnswer("collectives are all_reduce, reduce and broadcast, of float32 tensors")
    return answer


def require_fields(answer: object, fields: Mapping[str, type], kind: str) -> None:
    if not isinstance(answer, dict) or set(answer) != set(fields):
        raise WrongAnswer(f"a rank sent a {kind!r} message without the fields of one")
    if any(type(answer[name]) is not wanted for name, wanted in fields.items()) or answer.get("number", 0) < 0:
        raise WrongAnswer(f"a rank sent a {kind!r} message with a field of another type")


def read_weights(values: Mapping[str, object], like: Weights) -> Weights:
    """Raises WrongAnswer unless they are the model's, in float32 and finite."""
    if set(values) != set(like):
        raise WrongAnswer("the weights are not those of the model")
    for name, array in values.items():
        if not isinstance(array, np.ndarray) or (array.shape, array.dtype) != (tuple(like[name].shape), np.float32):
            raise WrongAnswer(f"{name} must be a float32 array of shape {tuple(like[name].shape)}")
        if not np.isfinite(array).all():
            raise WrongAnswer(f"{name} holds NaN or infinity: the gradients are too large")
    return {name: torch.from_numpy(array) for name, array in values.items()}


# One process


def draw_task(rng: Rng, sizes: Mapping[str, float]) -> Task:
    """Other weights on every rank, and a language of random successors."""
    draw = rng.child("task").numpy()
    ranks, steps, batch = (int(sizes[name]) for name in ("ranks", "steps", "batch"))
    successor = draw.integers(0, V, size=V)
    words = draw.integers(0, V, size=(steps, ranks, batch))
    targets = np.where(draw.random(words.shape) < 0.8, successor[words], draw.integers(0, V, size=words.shape))
    probe = draw.integers(0, V, size=64)
    return Task(
        starts=[draw_weights(draw) for _ in range(ranks)],
        words=torch.from_numpy(words),
        targets=torch.from_numpy(targets),
        gates=torch.from_numpy(draw.uniform(0.6, 1.4, size=(steps, BLOCKS))),
        probe=(torch.from_numpy(probe), torch.from_numpy(successor[probe])),
    )


def draw_weights(draw: np.random.Generator) -> Weights:
    shapes: dict[str, tuple[int, ...]] = {"embed.weight": (V, D), FROZEN: (V,)}
    for block in range(BLOCKS):
        shapes |= {f"blocks.{block}.0.weight": (H, D), f"blocks.{block}.0.bias": (H,)}
        shapes |= {f"blocks.{block}.2.weight": (D, H), f"blocks.{block}.2.bias": (D,)}
    return {
        name: torch.from_numpy(draw.normal(0, 0.3 / shape[-1] ** 0.5, size=shape).astype(np.float32))
        for name, shape in shapes.items()
    }


def forward(weights: Weights, words: Tensor, gates: Tensor) -> Tensor:
    """The model of wire.py. A gate scales the gradient and leaves the value: x.detach() + g (x - x.detach())."""
    x = F.embedding(words, weights["embed.weight"])
    for block in range(BLOCKS):
        if block:
            x = x.detach() + float(gates[block]) * (x - x.detach())
        hidden = F.gelu(F.linear(x, weights[f"blocks.{block}.0.weight"], weights[f"blocks.{block}.0.bias"]))
        x = x + F.linear(hidden, weights[f"blocks.{block}.2.weight"], weights[f"blocks.{block}.2.bias"])
    return F.linear(x, weights["embed.weight"], weights[FROZEN])


def train_alone(task: Task) -> list[Weights]:
    """The weights of one process with the whole batches: before the first step, and after each."""
    weights = {name: tensor.clone().requires_grad_(name != FROZEN) for name, tensor in task.starts[0].items()}
    trained = [tensor for tensor in weights.values() if tensor.requires_grad]
    momentum = [torch.zeros_like(tensor) for tensor in trained]
    found = [snapshot(weights)]
    for words, targets, gates in zip(task.words, task.targets, task.gates, strict=True):
        loss = F.cross_entropy(forward(weights, words.flatten(), gates), targets.flatten())
        with torch.no_grad():
            for tensor, gradient, mean in zip(trained, torch.autograd.grad(loss, trained), momentum, strict=True):
                mean.mul_(MOMENTUM).add_(gradient)
                tensor.sub_(mean, alpha=RATE)
        found.append(snapshot(weights))
    return found


def snapshot(weights: Weights) -> Weights:
    return {name: tensor.detach().clone() for name, tensor in weights.items()}


def gap(one: Weights, other: Weights) -> float:
    return max(float((one[name] - other[name]).abs().max()) for name in other)


@torch.no_grad()
def probe_loss(weights: Weights, task: Task) -> float:
    """In 64 bits: the difference of two losses is smaller than a loss in 32 bits can show."""
    words, targets = task.probe
    wide = {name: tensor.double() for name, tensor in weights.items()}
    return float(F.cross_entropy(forward(wide, words, torch.ones(BLOCKS)), targets))
