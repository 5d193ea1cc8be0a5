"""Who may use which cores and GPUs of this machine: bookkeeping only, no process is touched here.

A lease is exclusive. Boxes that name no cores share those that nobody leased: each takes a `Place`, and is moved when
leases begin and end. The book is this process's: leases of the whole machine are boxd's.

One core is always left for shared boxes, except by a lease of every core of the machine (on one core: any lease).
Such a lease waits until no shared box runs, and shared boxes wait until it is over; so whoever holds it must name its
cores in every box that it starts.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sandbox.errors import BoxStartError

# A lease of every core must not starve behind an endless row of short boxes, and a run that already has a shared box
# must get its second one, or both would wait for ever: new shared boxes stand back, but only this long.
STAND_BACK_S = 10.0
LONGEST_WAIT_S = 900.0  # longer than any timed run holds its cores
_LOOK_AGAIN_S = 0.1

Move = Callable[[frozenset[int]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseState:
    """One lease as `CoreBook.leases` shows it; `cores` and `gpus` are empty while it waits."""

    owner: str
    wanted_cores: int
    wanted_gpus: int
    cores: tuple[int, ...]
    gpus: tuple[int, ...]
    waiting: bool
    age_s: float


@dataclass(eq=False, slots=True)
class CoreLease:
    """A request for cores and GPUs, and the lease that it becomes. Made by `CoreBook.ask` and `.lease`."""

    _book: CoreBook
    wanted_cores: int
    wanted_gpus: int
    owner: str
    cores: tuple[int, ...] = ()
    gpus: tuple[int, ...] = ()
    granted: bool = False
    ended: bool = False
    asked_at: float = field(default_factory=time.monotonic)

    @property
    def wanted(self) -> str:
        """In words, such as "2 cores and 1 GPU"."""
        counts = ((self.wanted_cores, "core"), (self.wanted_gpus, "GPU"))
        return " and ".join(f"{many} {name}{'s' if many > 1 else ''}" for many, name in counts if many)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Block until it is granted and shared boxes are off its cores; False if `timeout_s` passed before."""
        return self._book.await_lease(self, timeout_s)

    def release(self) -> None:
        """Give everything back, or stop waiting. Safe to call twice."""
        self._book.end_lease(self)

    def __enter__(self) -> CoreLease:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class Place:
    """One box on the cores that are nobody's; `cpus` is where it starts. With named cores it does nothing else."""

    def __init__(self, book: CoreBook | None, cpus: Iterable[int]) -> None:
        self._book = book
        self.cpus = tuple(sorted(cpus))
        self.move: Move | None = None

    def follow(self, move: Move) -> None:
        """Call `move` with the shared cores now, if they changed since the start, and whenever they change again.

        To be called once the box's processes can be found. Later calls do nothing.
        """
        if self._book is not None and self.move is None:
            self.move = move
            self._book.settle(self)

    def leave(self) -> None:
        """The box has ended. Safe to call twice."""
        if self._book is not None:
            self._book.leave(self)


class CoreBook:
    """The cores and GPUs of one machine. Every method may be called from any thread."""

    def __init__(self, cores: Iterable[int], gpus: Iterable[int] = ()) -> None:
        self.cores = frozenset(cores)
        self.gpus = frozenset(gpus)
        self._changed = threading.Condition()
        self._queue: list[CoreLease] = []
        self._held: list[CoreLease] = []
        self._places: list[Place] = []
        # Held while boxes are moved, so that the last mover moves them to where they now belong.
        self._moving = threading.RLock()

    @property
    def leased(self) -> frozenset[int]:
        """Cores that somebody has for themselves now."""
        with self._changed:
            return frozenset(core for lease in self._held for core in lease.cores)

    def shared(self) -> frozenset[int]:
        """Cores that boxes without named cores may use now; none while every core is leased."""
        return self.cores - self.leased

    def leases(self) -> list[LeaseState]:
        """Held and waiting ones, oldest first."""
        with self._changed:
            now = time.monotonic()
            return [
                LeaseState(
                    owner=lease.owner, wanted_cores=lease.wanted_cores, wanted_gpus=lease.wanted_gpus,
                    cores=lease.cores, gpus=lease.gpus, waiting=not lease.granted, age_s=now - lease.asked_at,
                )
                for lease in [*self._held, *self._queue]
            ]  # fmt: skip

    def lease(self, *, cores: int = 0, gpus: int = 0, wait_s: float | None = None, owner: str = "") -> CoreLease:
        """Take that many, waiting `wait_s` seconds at most (None: as long as it takes).

        First come, first served. Raises ValueError for what the machine can never give, TimeoutError.
        """
        lease = self.ask(cores=cores, gpus=gpus, owner=owner)
        try:
            if lease.wait(wait_s):
                return lease
        except BaseException:
            lease.release()
            raise
        lease.release()
        raise TimeoutError(f"no {lease.wanted} came free within {wait_s:g} s")

    def ask(self, *, cores: int = 0, gpus: int = 0, owner: str = "") -> CoreLease:
        """Join the queue. The caller must `wait` before use, and `release` whatever comes of it. Raises ValueError."""
        self._require_possible(cores, gpus)
        lease = CoreLease(self, cores, gpus, owner)
        with self._changed:
            self._queue.append(lease)
            self._grant()
        return lease

    def place(
        self,
        cpus: tuple[int, ...] | None = None,
        *,
        wait_s: float = LONGEST_WAIT_S,
        stand_back_s: float = STAND_BACK_S,
    ) -> Place:
        """Where a box is to run: on `cpus` if it names any, else on the shared cores, once there are any.

        Raises TimeoutError if there is no room within `wait_s` seconds.
        """
        if cpus is not None:
            return Place(None, cpus)
        with self._changed:
            self._wait_for_room(wait_s, stand_back_s)
            place = Place(self, self._shared_now())
            self._places.append(place)
        return place

    def _wait_for_room(self, wait_s: float, stand_back_s: float) -> None:
        began = time.monotonic()
        waited = 0.0
        while not self._shared_now() or (self._all_wanted() and waited < stand_back_s):
            if waited >= wait_s:
                raise TimeoutError(f"every core was leased to others for {wait_s:g} s")
            self._changed.wait(_LOOK_AGAIN_S)
            waited = time.monotonic() - began

    def wait_unleased(self, timeout_s: float) -> bool:
        """Block until no core is leased; False if `timeout_s` passed before. For work that can be put off."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._held, timeout_s)

    def await_lease(self, lease: CoreLease, timeout_s: float | None) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: lease.granted or lease.ended, timeout_s)
            granted = lease.granted and not lease.ended
        if granted:
            self.settle()
        return granted

    def end_lease(self, lease: CoreLease) -> None:
        with self._changed:
            if lease.ended:
                return
            lease.ended = True
            (self._held if lease.granted else self._queue).remove(lease)
            self._grant()
        if lease.cores:
            self.settle()

    def leave(self, place: Place) -> None:
        with self._changed:
            if place in self._places:
                self._places.remove(place)
                self._grant()

    def settle(self, only: Place | None = None) -> None:
        """Move shared boxes, or one, to where they belong now."""
        with self._moving:
            with self._changed:
                shared = self._shared_now()
                places = [place for place in self._places if only is None or place is only]
            for place in places:
                # One that does not follow yet has not begun: it comes by itself.
                if place.move is not None and place.cpus != tuple(sorted(shared)):
                    place.move(shared)
                    place.cpus = tuple(sorted(shared))

    def _require_possible(self, cores: int, gpus: int) -> None:
        if cores < 0 or gpus < 0 or cores + gpus == 0:
            raise ValueError(f"a lease takes at least one core or GPU, not {cores} cores and {gpus} GPUs")
        if cores > len(self.cores):
            raise ValueError(f"a lease of {cores} cores can never be had: there are {len(self.cores)}")
        if gpus > len(self.gpus):
            there = f"there are {len(self.gpus)}" if self.gpus else "nvidia-smi lists none on this machine"
            raise ValueError(f"a lease of {gpus} GPUs can never be had: {there}")

    def _grant(self) -> None:
        """Serve the queue in order; whoever wants only what nobody before them waits for need not wait with them."""
        waiting_for: set[str] = set()
        for lease in list(self._queue):
            kinds = {name for name, many in (("cores", lease.wanted_cores), ("gpus", lease.wanted_gpus)) if many}
            if kinds & waiting_for or not self._fits(lease):
                waiting_for |= kinds
            else:
                self._give(lease)
        self._changed.notify_all()

    def _fits(self, lease: CoreLease) -> bool:
        if lease.wanted_gpus > len(self._free_gpus()):
            return False
        if lease.wanted_cores == len(self.cores):
            return self._shared_now() == self.cores and not self._places
        # One stays for shared boxes.
        return lease.wanted_cores == 0 or lease.wanted_cores < len(self._shared_now())

    def _give(self, lease: CoreLease) -> None:
        # From the top: the kernel's own work and most programs prefer the low ones.
        lease.cores = tuple(sorted(sorted(self._shared_now(), reverse=True)[: lease.wanted_cores]))
        lease.gpus = tuple(sorted(self._free_gpus())[: lease.wanted_gpus])
        lease.granted = True
        self._queue.remove(lease)
        self._held.append(lease)

    def _shared_now(self) -> frozenset[int]:
        return self.cores - {core for lease in self._held for core in lease.cores}

    def _free_gpus(self) -> frozenset[int]:
        return self.gpus - {gpu for lease in self._held for gpu in lease.gpus}

    def _all_wanted(self) -> bool:
        return any(lease.wanted_cores == len(self.cores) for lease in self._queue)


_opening = threading.Lock()


def machine_book() -> CoreBook:
    """The book of this process: every backend here uses this one. GPUs are those that nvidia-smi lists."""
    with _opening:
        return _machine_book()


@functools.cache
def _machine_book() -> CoreBook:
    return CoreBook(os.sched_getaffinity(0), (int(gpu["index"]) for gpu in list_gpus()))


def take_place(cpus: tuple[int, ...] | None) -> Place:
    """A place of this process's book for a box that is about to start. Raises BoxStartError."""
    try:
        return machine_book().place(cpus)
    except TimeoutError as error:
        raise BoxStartError(str(error)) from error


def list_gpus() -> list[dict[str, str]]:
    """What nvidia-smi lists (index, name, memory, driver); nothing where it is absent or sees no device."""
    if shutil.which("nvidia-smi") is None:
        return []
    query = ["nvidia-smi", "--query-gpu=index,name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        said = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    names = ("index", "name", "memory", "driver")
    return [dict(zip(names, (part.strip() for part in line.split(",")), strict=False)) for line in said.splitlines()]
