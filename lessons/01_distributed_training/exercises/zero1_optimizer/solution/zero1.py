"""AdamW with its moments cut: of every parameter, each rank updates one piece and remembers what belongs to it."""

from __future__ import annotations

import job
import torch


class ZeroAdamW:
    def __init__(self, groups, comm):
        self.comm = comm
        self.parameters = [p for group in groups for p in group["params"]]
        # Pieces of each parameter, not whole ones: so the largest matrix is shared like the rest. They are views, and
        # what AdamW writes into them stands in the parameter. Cut by group, each keeps the options of its own.
        mine = [{**group, "params": [self.cut(p)[comm.rank] for p in group["params"]]} for group in groups]
        self.mine = [piece for group in mine for piece in group["params"]]
        self.optimizer = torch.optim.AdamW(mine)

    def cut(self, tensor):
        return tensor.detach().view(-1).tensor_split(self.comm.ranks)

    def step(self):
        # A reduce for each owner: nobody else needs the sum. An all-reduce would send it to all.
        self.for_each_piece(self.comm.reduce, [p.grad for p in self.parameters])
        for piece, parameter in zip(self.mine, self.parameters, strict=True):
            piece.grad = self.cut(parameter.grad)[self.comm.rank].div_(self.comm.ranks)
        self.optimizer.step()
        self.for_each_piece(self.comm.broadcast, self.parameters)

    def for_each_piece(self, collective, tensors):
        handles = [collective(piece, owner) for tensor in tensors for owner, piece in enumerate(self.cut(tensor))]
        for handle in handles:
            handle.wait()

    def state(self):
        return {
            f"{number}.{name}": tensor
            for number, piece in enumerate(self.mine)
            for name, tensor in self.optimizer.state[piece].items()
        }

    def load(self, state):
        for key, tensor in state.items():
            number, name = key.split(".")
            self.optimizer.state[self.mine[int(number)]][name] = tensor


if __name__ == "__main__":
    job.two_ranks()
