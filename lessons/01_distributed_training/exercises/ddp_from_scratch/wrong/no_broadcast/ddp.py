"""Buckets that leave as soon as autograd has filled them, while the layers below still compute."""

from __future__ import annotations

import torch
import job

BUCKET_BYTES = 20_000  # DDP takes 25 MB; one message for the whole model could not overlap with anything


class DataParallel:
    def __init__(self, model, comm):
        self.comm, self.flying = comm, []
        # parameters() names a tied tensor once, and its hook fires once, when both uses have added to it.
        self.buckets = make_buckets([p for p in model.parameters() if p.requires_grad])
        self.left = [len(bucket) for bucket in self.buckets]
        for number, bucket in enumerate(self.buckets):
            for parameter in bucket:
                parameter.register_post_accumulate_grad_hook(lambda _, number=number: self.arrived(number))

    def arrived(self, number):
        """One gradient of this bucket is there; the last one sends it off."""
        self.left[number] -= 1
        if self.left[number] == 0:
            flat = torch.cat([parameter.grad.flatten() for parameter in self.buckets[number]])
            self.flying.append((self.buckets[number], flat, self.comm.all_reduce(flat)))

    def finish(self):
        for bucket, flat, handle in self.flying:
            handle.wait()
            flat /= self.comm.ranks
            for parameter, mean in zip(bucket, flat.split([p.numel() for p in bucket]), strict=True):
                parameter.grad.copy_(mean.view_as(parameter))
        self.flying, self.left = [], [len(bucket) for bucket in self.buckets]


def make_buckets(parameters):
    """In reverse order: the backward pass reaches the last layer first."""
    buckets = [[]]
    for parameter in reversed(parameters):
        if sum(4 * p.numel() for p in buckets[-1]) >= BUCKET_BYTES:
            buckets.append([])
        buckets[-1].append(parameter)
    return buckets


if __name__ == "__main__":
    job.two_ranks()
