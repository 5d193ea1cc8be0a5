"""The judge's own hand on the GPU: it empties the cache before a timed call, and knows when the device is quiet."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from statistics import median
from typing import Protocol

from grader.errors import InfraError, TimedOut

SETTLE_S = 5.0
_CALIBRATION = 9
_QUIET = 3  # writes in a row that nobody disturbed
_SLOWER = 3.0  # a kernel of another process costs us a time slice: milliseconds, where a write takes microseconds
_FLOOR_S = 200e-6  # what a launch may take longer by the processor's doing alone


class Scratch(Protocol):
    """Memory on the device, of this process."""

    def write(self) -> None:
        """Write over all of it, and return when the device has."""
        ...


class TorchScratch:
    """Twice as much as the L2 cache holds, so that writing it leaves nothing of anybody else's in there."""

    def __init__(self, gpu: int) -> None:
        """Raises InfraError where PyTorch cannot use the device."""
        # As nvidia-smi counts, not by speed; read once, when CUDA starts in this process.
        os.environ.update(CUDA_DEVICE_ORDER="PCI_BUS_ID", CUDA_VISIBLE_DEVICES=str(gpu))
        import torch

        if not torch.cuda.is_available():
            raise InfraError(f"PyTorch {torch.__version__} of the lab cannot use GPU {gpu}: install lab-cuda.txt")
        size = 2 * torch.cuda.get_device_properties(0).L2_cache_size
        if size <= 0:
            raise InfraError(f"GPU {gpu} does not tell the size of its L2 cache")
        self._synchronise: Callable[[], None] = torch.cuda.synchronize
        self._buffer = torch.zeros(size, dtype=torch.uint8, device="cuda")

    def write(self) -> None:
        self._buffer.add_(1)
        self._synchronise()


class Device:
    """A GPU that this run has for itself. Made while no box uses it yet: what a write takes now is its quiet time."""

    def __init__(self, scratch: Scratch, clock: Callable[[], float] = time.perf_counter) -> None:
        self._scratch = scratch
        self._clock = clock
        self._timed_write()  # the first one loads the kernel
        self._quiet_s = median(self._timed_write() for _ in range(_CALIBRATION))

    def flush(self) -> None:
        """Empty the L2 cache: the next call finds none of the last one's data there."""
        self._scratch.write()

    def settle(self, limit_s: float = SETTLE_S) -> float:
        """Wait until no kernel of another process runs; the seconds that it took.

        An answer that has come says nothing of what its program left running, and freezing a box stops its processes,
        not the kernels that they queued. Raises TimedOut after `limit_s`.
        """
        began = self._clock()
        row, quiet_since = 0, began
        while row < _QUIET:
            now = self._clock()
            if now - began > limit_s:
                raise TimedOut(f"The GPU was still busy {limit_s:g} seconds after the program's last answer.")
            if self._timed_write() > _SLOWER * self._quiet_s + _FLOOR_S:
                row = 0
                continue
            quiet_since = quiet_since if row else now
            row += 1
        return quiet_since - began

    def _timed_write(self) -> float:
        began = self._clock()
        self._scratch.write()
        return self._clock() - began
