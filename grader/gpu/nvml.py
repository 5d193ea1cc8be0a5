"""What NVIDIA's management library says of one GPU, whoever uses it. Read by us; nothing here comes from a box."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Protocol, Self

from grader.errors import InfraError


class GpuMemory(Protocol):
    """The memory of one device."""

    def by_process(self) -> dict[int, int]:
        """Process id → bytes, of every process that has a context on the device."""
        ...

    def used_bytes(self) -> int:
        """Of the whole device, without what the driver keeps for itself."""
        ...


class Nvml:
    """The real one, of a device by the number that nvidia-smi gives it."""

    def __init__(self, library: ModuleType, handle: Any) -> None:
        self._library = library
        self._handle = handle

    @classmethod
    def open(cls, gpu: int) -> Self:
        """Raises InfraError where the library or the driver is missing."""
        try:
            import pynvml
        except ImportError as error:
            raise InfraError(f"nvidia-ml-py is not in the lab ({error}): install requirements/lab-cuda.txt") from error
        try:
            pynvml.nvmlInit()
            return cls(pynvml, pynvml.nvmlDeviceGetHandleByIndex(gpu))
        except pynvml.NVMLError as error:
            raise InfraError(f"GPU {gpu} cannot be read by NVML: {error}") from error

    def by_process(self) -> dict[int, int]:
        """Raises InfraError where the driver does not tell, as under MIG without privileges: nothing is guessed."""
        used: dict[int, int] = {}
        try:
            found = [
                *self._library.nvmlDeviceGetComputeRunningProcesses(self._handle),
                *self._library.nvmlDeviceGetGraphicsRunningProcesses(self._handle),
            ]
        except self._library.NVMLError as error:
            raise InfraError(f"NVML does not tell who uses the GPU: {error}") from error
        for process in found:
            if process.usedGpuMemory is None:
                raise InfraError(f"the driver does not tell the GPU memory of process {process.pid}")
            # A process with both kinds of context is listed twice, each time with all that it uses.
            used[process.pid] = max(used.get(process.pid, 0), process.usedGpuMemory)
        return used

    def used_bytes(self) -> int:
        """Raises InfraError."""
        try:
            found = self._library.nvmlDeviceGetMemoryInfo(self._handle, version=self._library.nvmlMemory_v2)
        except self._library.NVMLError as error:
            raise InfraError(f"NVML does not tell how full the GPU is: {error}") from error
        return int(found.used)
