from __future__ import annotations

class DataParallel:
    def __init__(self, model, comm):
        self.model, self.comm = model, comm
        for parameter in model.parameters():
            comm.broadcast(parameter.data, 0).wait()
        self.flying = []
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.register_post_accumulate_grad_hook(self.arrived)

    def arrived(self, parameter):
        self.flying.append(self.comm.all_reduce(parameter.grad))

    def finish(self):
        for handle in self.flying:
            handle.wait()
        self.flying = []
