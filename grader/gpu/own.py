"""A GPU for one run alone: leased, found empty, given to its boxes, and left as it was."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from grader.errors import InfraError
from grader.events import Event, ProgressEvent
from grader.gpu.device import Device, TorchScratch
from grader.gpu.nvml import GpuMemory, Nvml
from grader.gpu.watch import WatchedBox
from sandbox import MIB, Backend, BoxSpec, Lease, LimitCheck, Pod
from sandbox.leases import LONGEST_WAIT_S, list_gpus

NO_GPU = "this worker has no GPU: nvidia-smi lists none here"
WAITING = "Waiting for a free GPU"
_AT_ONCE_S = 0.3
_LEFT_BYTES = 64 * MIB  # the driver's own books move by a few MiB
_EMPTY_S = 5.0  # a context is taken down a moment after its process
_LOOK_S = 0.1


def has_gpu() -> bool:
    """Whether this machine can run the tier at all."""
    return bool(list_gpus())


class OnGpu:
    """A backend whose boxes have the leased GPU and are watched on it; they start cold: templates never touch CUDA."""

    def __init__(self, backend: Backend, gpu: int, memory: GpuMemory, limit_mb: int | None) -> None:
        self.name = backend.name
        self._backend = backend
        self._gpu = gpu
        self._memory = memory
        self._limit_mb = limit_mb

    def prepare(self, spec: BoxSpec, *, pod: Pod | None = None) -> WatchedBox:
        box = self._backend.prepare(replace(spec, gpus=(self._gpu,), warm="none"), pod=pod)
        return WatchedBox(box, self._memory, self._limit_mb)

    def open_pod(self) -> Pod:
        return self._backend.open_pod()

    def lease(self, *, cores: int = 0, gpus: int = 0, wait_s: float | None = None) -> Lease:
        return self._backend.lease(cores=cores, gpus=gpus, wait_s=wait_s)

    def check(self) -> list[LimitCheck]:
        return self._backend.check()


@contextlib.contextmanager
def own_gpu(
    backend: Backend,
    limit_mb: int | None,
    emit: Callable[[Event], None],
    open_memory: Callable[[int], GpuMemory] = Nvml.open,
    open_device: Callable[[int], Device] = lambda gpu: Device(TorchScratch(gpu)),
) -> Iterator[tuple[OnGpu, Device]]:
    """Lease one; `limit_mb` bounds each box on it. The run's boxes must have ended when the block does.

    Raises InfraError where none comes free within fifteen minutes, where somebody else uses it, or where something is
    left on it after the run.
    """
    with _lease(backend, emit) as lease:
        gpu = lease.gpus[0]
        memory = open_memory(gpu)
        _refuse_strangers(gpu, memory)
        device = open_device(gpu)
        _require_sight(memory)
        before = memory.used_bytes()
        yield OnGpu(backend, gpu, memory, limit_mb), device
        _refuse_leftovers(gpu, memory, before)


def _lease(backend: Backend, emit: Callable[[Event], None]) -> Lease:
    """The learner is told only of a wait that can be felt."""
    try:
        with contextlib.suppress(TimeoutError):
            return backend.lease(gpus=1, wait_s=_AT_ONCE_S)
        emit(ProgressEvent(text=WAITING, done=None))
        return backend.lease(gpus=1, wait_s=LONGEST_WAIT_S)
    except (ValueError, TimeoutError) as error:
        raise InfraError(f"a run of the GPU tier needs a GPU for itself: {error}") from error


def _refuse_strangers(gpu: int, memory: GpuMemory) -> None:
    strangers = sorted(set(memory.by_process()) - {os.getpid()})
    if strangers:
        raise InfraError(f"GPU {gpu} is leased to this run, but processes {strangers} use it: end them")


def _require_sight(memory: GpuMemory) -> None:
    """A driver that does not list this process, which is on the device now, would not list a box's either."""
    if os.getpid() not in memory.by_process():
        raise InfraError("NVML does not list this process: a GPU worker in a container needs the host's process ids")


def _refuse_leftovers(gpu: int, memory: GpuMemory, before: int) -> None:
    """Whatever a box left behind would slow down, or show itself to, the next run."""
    deadline = time.monotonic() + _EMPTY_S
    while (strangers := set(memory.by_process()) - {os.getpid()}) or memory.used_bytes() > before + _LEFT_BYTES:
        if time.monotonic() > deadline:
            left = (memory.used_bytes() - before) // MIB
            raise InfraError(f"GPU {gpu} still holds {left} MiB of an ended run (processes {sorted(strangers)})")
        time.sleep(_LOOK_S)
