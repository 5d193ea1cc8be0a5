from __future__ import annotations

import torch


class ZeroAdamW:
    def __init__(self, groups, comm):
        self.comm = comm
        self.parameters = [p for group in groups for p in group["params"]]
        self.owners = {p: number % comm.ranks for number, p in enumerate(self.parameters)}
        mine = [{**group, "params": [p for p in group["params"] if self.owners[p] == comm.rank]} for group in groups]
        self.optimizer = torch.optim.AdamW(mine)

    def step(self):
        for handle in [self.comm.reduce(p.grad, self.owners[p]) for p in self.parameters]:
            handle.wait()
        for p in self.parameters:
            p.grad /= self.comm.ranks
        self.optimizer.step()
        for handle in [self.comm.broadcast(p, self.owners[p]) for p in self.parameters]:
            handle.wait()

    def state(self):
        return {
            f"{number}.{name}": tensor
            for number, p in enumerate(self.parameters)
            if p in self.optimizer.state
            for name, tensor in self.optimizer.state[p].items()
        }

    def load(self, state):
        for key, tensor in state.items():
            number, name = key.split(".")
            self.optimizer.state[self.parameters[int(number)]][name] = tensor
