"""AdamW for many ranks. This one is right, and keeps all moments on every rank. `python zero1.py` tries it."""

from __future__ import annotations

import job
import torch


class ZeroAdamW:
    def __init__(self, groups, comm):
        """groups: as torch.optim takes them. comm: see wire.Comm (rank, ranks, all_reduce, reduce, broadcast)."""
        self.comm = comm
        self.parameters = [p for group in groups for p in group["params"]]
        self.optimizer = torch.optim.AdamW(groups)

    def step(self):
        """Each .grad is this rank's own. Leave in every parameter what AdamW makes of the mean gradient."""
        for handle in [self.comm.all_reduce(p.grad) for p in self.parameters]:
            handle.wait()
        for p in self.parameters:
            p.grad /= self.comm.ranks
        self.optimizer.step()

    def state(self):
        """Everything that this rank has to remember: name -> tensor."""
        return {
            f"{number}.{name}": tensor
            for number, p in enumerate(self.parameters)
            for name, tensor in self.optimizer.state[p].items()
        }

    def load(self, state):
        """In a fresh process, before its first step: go on from what state() gave."""
        for key, tensor in state.items():
            number, name = key.split(".")
            self.optimizer.state[self.parameters[int(number)]][name] = tensor


if __name__ == "__main__":
    job.two_ranks()
