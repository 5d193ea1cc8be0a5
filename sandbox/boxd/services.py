"""What all connections of one boxd share: its backends, the book of leases, and who has what now."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, runtime_checkable

from sandbox.backend import Pod
from sandbox.errors import BoxStartError
from sandbox.leases import CoreBook, machine_book
from sandbox.opening import Closing, LocalBackend, open_here, require_name
from sandbox.spec import Status

log = logging.getLogger("boxd")


@runtime_checkable
class Warming(Protocol):
    """A backend that keeps warm boxes; the report is for people and metrics, JSON values."""

    def warm_status(self) -> dict[str, Any]: ...


@dataclass(slots=True)
class _Slot:
    lock: threading.Lock = field(default_factory=threading.Lock)
    backend: LocalBackend | None = None


class Services:
    """Used by every connection's thread."""

    def __init__(self, book: CoreBook | None = None) -> None:
        self.book = book or machine_book()
        self._slots: dict[str, _Slot] = {}
        self._boxes: dict[str, tuple[str, float]] = {}
        self._pods: dict[str, tuple[str, Pod]] = {}
        self._ended: Counter[str] = Counter()
        self._lock = threading.Lock()

    def backend(self, name: str) -> LocalBackend:
        """The backend of that name, opened when it is first asked for. Raises SandboxUnavailable."""
        require_name(name)
        with self._lock:
            slot = self._slots.setdefault(name, _Slot())
        with slot.lock:  # others wait only for the backend that they want, too
            if slot.backend is None:
                slot.backend = open_here(name)
                log.info("boxd: %s opened", name)
            return slot.backend

    def pod(self, backend: str, name: str) -> Pod:
        """The open pod of that name. Raises BoxStartError."""
        with self._lock:
            owner, pod = self._pods.get(name, ("", None))
        if pod is None or owner != backend:
            raise BoxStartError(f"{backend} has no open pod {name!r}")
        return pod

    @contextmanager
    def listed_pod(self, name: str, backend: str, pod: Pod) -> Iterator[None]:
        """Boxes may be put into the pod by this name, for the time of the context."""
        with self._lock:
            self._pods[name] = (backend, pod)
        try:
            yield
        finally:
            with self._lock:
                del self._pods[name]

    @contextmanager
    def listed_box(self, name: str, backend: str) -> Iterator[None]:
        """The box runs for the time of the context."""
        with self._lock:
            self._boxes[name] = (backend, time.monotonic())
        try:
            yield
        finally:
            with self._lock:
                del self._boxes[name]

    def count_end(self, status: Status) -> None:
        """A box has ended so."""
        with self._lock:
            self._ended[status] += 1

    def status(self) -> dict[str, Any]:
        """What runs, what is warm, what is leased: JSON values, nothing of a learner's."""
        now = time.monotonic()
        with self._lock:
            boxes = [
                {"id": name, "backend": owner, "age_s": now - since} for name, (owner, since) in self._boxes.items()
            ]
            pods = [{"id": name, "backend": owner} for name, (owner, _) in self._pods.items()]
            ended = dict(self._ended)
            opened = {name: slot.backend for name, slot in self._slots.items() if slot.backend is not None}
        return {
            "backends": sorted(opened),
            "boxes": boxes,
            "ended": ended,
            "pods": pods,
            "warm": {name: each.warm_status() for name, each in opened.items() if isinstance(each, Warming)},
            "cores": {"all": sorted(self.book.cores), "shared": sorted(self.book.shared())},
            "gpus": sorted(self.book.gpus),
            "leases": [asdict(lease) for lease in self.book.leases()],
        }

    def close(self) -> None:
        """Close every backend; no box runs any more."""
        opened: list[object] = [slot.backend for slot in self._slots.values()]
        for backend in opened:
            if isinstance(backend, Closing):
                backend.close()
