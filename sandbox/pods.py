"""Pods of bubblewrap boxes: namespaces with a loopback of their own, kept by their descriptors alone."""

from __future__ import annotations

import itertools
import os
import threading
import weakref
from collections.abc import Callable, Sequence

from sandbox.errors import BoxStartError
from sandbox.monitor import Monitor

_CLONE_NEWUSER, _CLONE_NEWNET = 0x1000_0000, 0x4000_0000
_numbers = itertools.count(1)


class BwrapPod:
    """Holds the namespaces; its boxes enter them before bubblewrap makes the rest."""

    def __init__(self, fds: Sequence[int]) -> None:
        """`fds`: the network, after the user namespace that owns it if there is one."""
        self.name = f"pod{next(_numbers)}"
        self._kinds = [_CLONE_NEWUSER, _CLONE_NEWNET][-len(fds) :]
        self._fds = list(fds)
        self._lock = threading.Lock()
        self._boxes: weakref.WeakSet[Monitor] = weakref.WeakSet()

    def start(self, launch: Callable[[list[tuple[int, int]]], Monitor]) -> Monitor:
        """Start a box with `launch`, which gets the namespaces to enter. Raises BoxStartError if the pod is closed."""
        with self._lock:
            if not self._fds:
                raise BoxStartError(f"{self.name} is closed")
            monitor = launch(list(zip(self._fds, self._kinds, strict=True)))
            self._boxes.add(monitor)
        return monitor

    def close(self) -> None:
        """End its boxes, and with the last of them the network."""
        with self._lock:
            while self._fds:
                os.close(self._fds.pop())
        for monitor in list(self._boxes):
            monitor.kill()

    def __enter__(self) -> BwrapPod:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
