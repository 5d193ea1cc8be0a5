"""Cores of its own for a run that times something: all its boxes on them, everything else off them."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from grader.errors import InfraError
from grader.events import Event, LogEvent, ProgressEvent
from lessons.schema import Protocol
from sandbox import Backend, Box, BoxSpec, Lease, LimitCheck, Pod
from sandbox.boxd.client import BoxdBackend
from sandbox.leases import LONGEST_WAIT_S

_AT_ONCE_S = 0.3
_FELT_S = 1.0
WAITING = "Waiting for a free core"
TAKEN = "Waiting for the cores, which a timed run has to itself"
BACK = "The cores are free again"
SHARED = "This machine has one core: the load generator shares it with the server."


@dataclass(frozen=True, slots=True, kw_only=True)
class Cores:
    """`programs`: where candidate, baseline and repeat take turns. `load`: the load generator's."""

    programs: tuple[int, ...]
    load: tuple[int, ...]


class OnCores:
    """A backend whose boxes run on these cores unless their spec names others: so no box of a run is forgotten."""

    def __init__(self, backend: Backend, cores: tuple[int, ...]) -> None:
        self.name = backend.name
        self._backend = backend
        self._cores = cores

    def prepare(self, spec: BoxSpec, *, pod: Pod | None = None) -> Box:
        return self._backend.prepare(spec if spec.cpus is not None else replace(spec, cpus=self._cores), pod=pod)

    def open_pod(self) -> Pod:
        return self._backend.open_pod()

    def lease(self, *, cores: int = 0, gpus: int = 0, wait_s: float | None = None) -> Lease:
        return self._backend.lease(cores=cores, gpus=gpus, wait_s=wait_s)

    def check(self) -> list[LimitCheck]:
        return self._backend.check()


@contextlib.contextmanager
def own_cores(backend: Backend, protocol: Protocol, emit: Callable[[Event], None]) -> Iterator[Cores]:
    """One core, and a second for the load generator of a server where the machine has one.

    Raises InfraError when none came free within fifteen minutes.
    """
    with _lease(backend, 2 if protocol == "serve" else 1, emit) as lease, _kept_off(backend, lease.cores):
        if protocol == "serve" and len(lease.cores) == 1:
            emit(LogEvent(stream="system", text=SHARED))
        yield Cores(programs=lease.cores[:1], load=lease.cores[-1:])


def _lease(backend: Backend, cores: int, emit: Callable[[Event], None]) -> Lease:
    try:
        return _wait_for(backend, cores, emit)
    except ValueError:  # more than the machine can ever give
        if cores == 1:
            raise
        return _wait_for(backend, 1, emit)


def _wait_for(backend: Backend, cores: int, emit: Callable[[Event], None]) -> Lease:
    """The learner is told only of a wait that can be felt."""
    with contextlib.suppress(TimeoutError):
        return backend.lease(cores=cores, wait_s=_AT_ONCE_S)
    emit(ProgressEvent(text=WAITING, done=None))
    try:
        return backend.lease(cores=cores, wait_s=LONGEST_WAIT_S)
    except TimeoutError as error:
        raise InfraError(f"a timed run needs a core for itself: {error}") from error


@contextlib.contextmanager
def told_of_a_wait(backend: Backend, emit: Callable[[Event], None], after_s: float = _FELT_S) -> Iterator[None]:
    """Around the start of a box that shares cores: where that takes long because a timed run has them, it says so."""
    told = threading.Event()

    def tell() -> None:
        if isinstance(backend, BoxdBackend) and not backend.has_room():
            emit(ProgressEvent(text=TAKEN, done=None))
            told.set()

    timer = threading.Timer(after_s, tell)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        if told.is_set():
            emit(ProgressEvent(text=BACK, done=None))


@contextlib.contextmanager
def _kept_off(backend: Backend, cores: tuple[int, ...]) -> Iterator[None]:
    """This thread, and those that it starts, stay off these cores where there are others.

    Only beside boxd: a backend of this process makes boxes on the cores that this process has.
    """
    before = os.sched_getaffinity(0)
    others = before - set(cores)
    if not others or not isinstance(backend, BoxdBackend):
        yield
        return
    os.sched_setaffinity(0, others)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
