from __future__ import annotations


class DataParallel:
    def __init__(self, model, comm):
        self.model, self.comm, self.step = model, comm, 0
        for parameter in model.parameters():
            comm.broadcast(parameter.data, 0).wait()

    def finish(self):
        self.step += 1
        if self.step % 4 == 0:
            for parameter in self.model.parameters():
                if parameter.requires_grad:
                    self.comm.all_reduce(parameter.data).wait()
                    parameter.data /= self.comm.ranks
