"""Replays requests whose ends nobody knows, keeps the cache itself, and counts what the scheduler made of it.

The program says at each step who runs and in which blocks. Keys and values lie in our pool, at the places that its
tables name: a block that two requests share, or a table that moved, gives other tokens. Nothing that it says is counted
but the tables: what is filled, what is computed and who waits is known here.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from grader.api import Bench, Candidate, Rng, WrongAnswer

BLOCK = 8  # positions
VOCABULARY, WIDTH = 64, 16
PROMPT = (6, 150)
MOST = 256  # new tokens that a request may have; what the program is told
MEAN_NEW = 48.0  # that it has: exponential, cut at MOST
TIE = 1e-4  # logits of a spread of 3: float32 sums in another order differ by 1e-6
CALL_SECONDS = 10.0

Array = Any  # numpy.ndarray, without asking the annotation to run


class Request(NamedTuple):
    arrives: int  # before this step
    prompt: list[int]
    new: int  # tokens after which it ends; the program does not know


class Tally:
    """What all steps came to."""

    def __init__(self) -> None:
        self.steps = self.filled = self.room = self.computed = 0

    def count(self, lengths: list[int], room: int, computed: int, *, somebody_waits: bool) -> None:
        """Of one step: an empty place is wasted only while somebody waits for it."""
        self.steps += 1
        self.computed += computed
        if somebody_waits:
            self.filled += sum(lengths)
            self.room += room


class Model:
    """One layer of attention with random weights. Keys and values go to a pool and come back through a table."""

    def __init__(self, rng: Rng, places: int) -> None:
        draw = rng.numpy()
        longest = PROMPT[1] + MOST
        self.tokens = draw.standard_normal((VOCABULARY, WIDTH), dtype=np.float32)
        self.positions = draw.standard_normal((longest, WIDTH), dtype=np.float32)
        self.query, self.key, self.value, self.head = (
            draw.standard_normal(shape, dtype=np.float32) / np.float32(WIDTH**0.5)
            for shape in ((WIDTH, WIDTH), (WIDTH, WIDTH), (WIDTH, WIDTH), (WIDTH, VOCABULARY))
        )
        # What earlier requests left behind: whoever reads a place before it is written reads this.
        self.keys, self.values = draw.standard_normal((2, places, WIDTH), dtype=np.float32)

    def embed(self, tokens: list[int], start: int) -> Array:
        return self.tokens[tokens] + self.positions[start : start + len(tokens)]

    def advance(self, tokens: list[int], cached: int, places: Array) -> int:
        """The next token. Computes the positions from `cached` on, and reads those before from their places."""
        x = self.embed(tokens[cached:], cached)
        self.keys[places[cached:]] = x @ self.key
        self.values[places[cached:]] = x @ self.value
        return int(self.logits(x[-1:], self.keys[places], self.values[places])[0].argmax())

    def logits(self, x: Array, keys: Array, values: Array) -> Array:
        """(R, V) of the last R positions of a sequence."""
        scores = x @ self.query @ keys.T
        rows, columns = scores.shape
        scores = np.where(np.tri(rows, columns, columns - rows, dtype=bool), scores, np.float32(-np.inf))
        powers = np.exp(scores - scores.max(1, keepdims=True))
        return (x + 2 * (powers / powers.sum(1, keepdims=True)) @ values) @ self.head

    def count_wrong(self, request: Request, found: list[int]) -> int:
        """How many tokens are not those of the request alone: one causal pass, without pool and tables."""
        x = self.embed(request.prompt + found[:-1], 0)
        logits = self.logits(x, x @ self.key, x @ self.value)[len(request.prompt) - 1 :]
        short = logits.max(1) - logits[np.arange(len(found)), found]
        return int((~(short <= TIE)).sum())


class Server:
    """Requests that have come and not ended, with their tokens and what the pool holds of them."""

    def __init__(self, model: Model, blocks: int) -> None:
        self.model, self.blocks, self.tally = model, blocks, Tally()
        self.tokens: dict[int, list[int]] = {}
        self.cached: dict[int, int] = {}

    def run(self, tables: dict[int, list[int]]) -> None:
        """One step: each request of the plan gets its next token; who is not in it loses its places."""
        self.cached = {number: self.cached.get(number, 0) for number in tables}
        computed, lengths = 0, []
        for number, table in tables.items():
            tokens, cached = self.tokens[number], self.cached[number]
            computed, lengths = computed + len(tokens) - cached, [*lengths, len(tokens)]
            self.cached[number] = len(tokens)
            tokens.append(self.model.advance(tokens, cached, places_of(table, len(tokens))))
        waits = len(self.tokens) > len(tables)
        self.tally.count(lengths, self.blocks * BLOCK, computed, somebody_waits=waits)


def judge(bench: Bench) -> None:
    traces, tallies, needed = int(bench.sizes["traces"]), list[Tally](), 0
    for number in range(traces):
        rng = bench.rng.child(f"trace-{number}")
        requests = draw_requests(rng, int(bench.sizes["requests"]))
        needed += sum(len(request.prompt) + request.new - 1 for request in requests)
        bench.progress(f"trace {number + 1} of {traces}", number / traces)
        tally = replay(bench, bench.candidate(), rng.child("model"), requests)
        if tally is None:
            return
        tallies.append(tally)
    room = sum(tally.room for tally in tallies)
    bench.metric("wasted_share", 1 - sum(tally.filled for tally in tallies) / room, samples=room)
    bench.metric("computed_ratio", sum(tally.computed for tally in tallies) / needed, samples=needed)
    bench.metric("steps", sum(tally.steps for tally in tallies) / traces, samples=traces)


def draw_requests(rng: Rng, count: int) -> list[Request]:
    """A third is there at the start, the rest comes faster than it can be served: somebody waits nearly always."""
    draw, step, found = rng.numpy(), 0.0, list[Request]()
    for number in range(count):
        step += float(draw.exponential(0.75)) if number >= count // 3 else 0.0
        prompt = draw.integers(0, VOCABULARY, int(np.exp(draw.uniform(*np.log(PROMPT))))).tolist()
        found.append(Request(int(step), prompt, 1 + min(MOST - 1, int(draw.exponential(MEAN_NEW)))))
    return found


def replay(bench: Bench, candidate: Candidate, rng: Rng, requests: list[Request]) -> Tally | None:
    """Serve all requests; None after a failed check. Each step gives somebody a token, so it ends."""
    blocks = int(bench.sizes["blocks"])
    server = Server(Model(rng, blocks * BLOCK), blocks)
    candidate.call("start", blocks, BLOCK, timeout_s=CALL_SECONDS)
    step, ended, coming = 0, list[int](), list(enumerate(requests))
    while coming or server.tokens:
        arrived = []
        while coming and (coming[0][1].arrives <= step or not server.tokens):
            number, request = coming.pop(0)
            server.tokens[number] = list(request.prompt)
            arrived.append([number, len(request.prompt), MOST])
        plan = candidate.call("step", arrived, ended, timeout_s=CALL_SECONDS)
        lengths = {number: len(tokens) for number, tokens in server.tokens.items()}
        problem = find_problem(plan, lengths, blocks)
        bench.check("tables", not problem, f"Step {step + 1}: {problem}")
        if problem:
            return None
        server.run(dict(plan))
        ended = [number for number in dict(plan) if len(server.tokens[number]) == full_length(requests[number])]
        for number in ended:
            if not check_tokens(bench, server.model, requests[number], server.tokens.pop(number), number):
                return None
        step += 1
    return server.tally


def full_length(request: Request) -> int:
    return len(request.prompt) + request.new


def check_tokens(bench: Bench, model: Model, request: Request, tokens: list[int], number: int) -> bool:
    wrong = model.count_wrong(request, tokens[len(request.prompt) :])
    feedback = f"{wrong} of the {request.new} tokens of request {number} are not those that it has alone."
    bench.check("same_tokens", not wrong, feedback)
    return not wrong


def places_of(table: list[int], length: int) -> Array:
    """Where the first `length` positions of a sequence lie in the pool."""
    return (np.array(table)[:, None] * BLOCK + np.arange(BLOCK)).reshape(-1)[:length]


def find_problem(plan: object, lengths: dict[int, int], blocks: int) -> str:
    """What keeps a plan from being run; empty if nothing does. Raises WrongAnswer for no list of pairs."""
    if not isinstance(plan, list) or not all(isinstance(entry, list) and len(entry) == 2 for entry in plan):
        raise WrongAnswer("plan() must return a dict: request → list of block numbers")
    owners: dict[int, object] = {}
    seen: set[object] = set()
    for number, table in plan:
        if type(number) is not int or number not in lengths:
            return f"request {str(number)[:20]} is in the plan, and is not there: it has ended, or not come."
        if number in seen:
            return f"request {number} is in the plan twice."
        seen.add(number)
        if problem := table_problem(number, table, lengths[number], blocks, owners):
            return problem
    return "" if plan else "nobody is in the plan, and requests wait. Where have the free blocks gone?"


def table_problem(number: int, table: object, length: int, blocks: int, owners: dict[int, object]) -> str:
    """`owners`: block → request, of the tables before; this one's are added."""
    if not isinstance(table, list) or any(type(block) is not int or not 0 <= block < blocks for block in table):
        return f"the table of request {number} is not a list of block numbers from 0 to {blocks - 1}."
    for block in table:
        if block in owners:
            return f"block {block} is in the tables of requests {owners[block]} and {number}."
        owners[block] = number
    if len(table) * BLOCK < length:
        return f"request {number} has {length} positions, and a table of {len(table)} blocks of {BLOCK}."
    return ""
