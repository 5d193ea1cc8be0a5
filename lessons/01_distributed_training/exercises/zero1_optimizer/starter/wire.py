"""One rank's line to the others. Read-only.

Each rank of a job lives in a box of its own. Whatever goes between ranks goes through the judge, who combines it and
counts it. Here is the rank's side of that, and `rehearse`, which plays the judge for ranks in one process.
"""

from __future__ import annotations

import queue
import threading

import numpy as np
import torch

PIECE = 1 << 17  # elements: a larger tensor travels in pieces
MOST_KEPT = 1 << 18  # elements of launches that are kept for the next message; above it they leave at once
torch.set_num_threads(1)


class Line:
    """Hands one message at a time to whoever drives this rank, and waits for the answer."""

    def __init__(self):
        self.messages, self.answers = queue.SimpleQueue(), queue.SimpleQueue()
        self.launches, self.kept = [], 0

    def ask(self, kind, **fields):
        """Launches go along with the next message: fewer messages, and the same order of events."""
        message = {"kind": kind, "launches": self.launches, **fields}
        self.launches, self.kept = [], 0
        self.messages.put(message)
        return self.answers.get()

    def launch(self, **launch):
        self.launches.append(launch)
        self.kept += launch["values"].size
        if self.kept >= MOST_KEPT:
            self.ask("flush")

    def start(self, program, *arguments):
        """Run program(line, *arguments) in a thread; returns its first message."""

        def run():
            try:
                program(self, *arguments)
                self.messages.put({"kind": "end", "launches": self.launches})
            except BaseException as error:  # shown to whoever drives this rank
                self.messages.put(error)

        threading.Thread(target=run, daemon=True).start()
        return self._next()

    def go_on(self, answer):
        """Answer the message before; returns the next one."""
        self.answers.put(answer)
        return self._next()

    def _next(self):
        message = self.messages.get()
        if isinstance(message, BaseException):
            raise message
        return message


class Comm:
    """What torch.distributed gives, as far as it is needed. Ranks must launch the same collectives in the same order.

    Each takes a contiguous float32 tensor and returns a Handle at once. The values leave at the launch; the tensor
    changes at the handle's wait().
    """

    def __init__(self, line, rank, ranks):
        self.line, self.rank, self.ranks = line, rank, ranks
        self.count, self.arrived = 0, {}

    def all_reduce(self, tensor):
        """Sum over all ranks, for all ranks."""
        return self._launch("all_reduce", tensor, 0, gives=True, takes=True)

    def reduce(self, tensor, target):
        """Sum over all ranks, for rank `target`; the others' tensors stay as they are."""
        return self._launch("reduce", tensor, target, gives=True, takes=self.rank == target)

    def broadcast(self, tensor, source):
        """Give every rank the tensor of rank `source`."""
        return self._launch("broadcast", tensor, source, gives=self.rank == source, takes=self.rank != source)

    def _launch(self, kind, tensor, root, *, gives, takes):
        if tensor.dtype != torch.float32 or not tensor.is_contiguous():
            raise ValueError("collectives take contiguous float32 tensors")
        if not 0 <= root < self.ranks:
            raise ValueError(f"there is no rank {root}")
        pieces, numbers = tensor.detach().view(-1).split(PIECE), []
        for piece in pieces:
            values = piece.numpy().copy() if gives else np.empty(0, np.float32)
            self.line.launch(number=self.count, op=kind, root=root, size=piece.numel(), values=values)
            numbers.append(self.count)
            self.count += 1
        return Handle(self, numbers, pieces if takes else [None] * len(pieces))

    def _take(self, number):
        while number not in self.arrived:
            self.arrived.update(self.line.ask("wait", number=number))
        return self.arrived.pop(number)


class Handle:
    def __init__(self, comm, numbers, pieces):
        self.comm, self.left = comm, list(zip(numbers, pieces, strict=True))

    def wait(self):
        """Return when every rank has launched this collective; the tensor then holds the result."""
        for number, piece in self.left:
            values = self.comm._take(number)
            if piece is not None:
                piece.copy_(torch.from_numpy(values))
        self.left = []


def rehearse(programs, answer):
    """Drive one program per rank in this process.

    answer(rank, message, launched) is asked for all but the collectives; `launched` are the rank's own so far. Returns
    those of every rank.
    """
    lines = [Line() for _ in programs]
    launched, given = [[] for _ in lines], [set() for _ in lines]
    pending = [arrived(line.start(program), launched[rank]) for rank, (line, program) in enumerate(zip(lines, programs))]
    while any(message["kind"] != "end" for message in pending):
        moved = False
        for rank, (line, message) in enumerate(zip(lines, pending)):
            if message["kind"] == "end":
                continue
            reply = None
            if message["kind"] == "wait":
                if any(len(others) <= message["number"] for others in launched):
                    continue  # somebody has not launched it yet
                reply = results([others[message["number"]] for others in launched], rank)
            elif message["kind"] != "flush":
                reply = answer(rank, message, launched[rank])
            pending[rank], moved = arrived(line.go_on(reply), launched[rank]), True
        if not moved:
            raise SystemExit(f"Every rank waits. Collectives launched: {[len(others) for others in launched]}")
    return launched


def arrived(message, launched):
    launched += message["launches"]
    return message


def results(parts, rank):
    if len({(part["op"], part["root"], part["size"]) for part in parts}) > 1:
        raise SystemExit(f"Collective #{parts[0]['number']} is not the same on all ranks.")
    op, root = parts[0]["op"], parts[0]["root"]
    if op == "broadcast":
        return [[parts[0]["number"], parts[root]["values"]]]
    return [[parts[0]["number"], sum(part["values"] for part in parts)]]
