"""Containers made ahead, each for one box: a shim that waits, with a stack imported if that was wished for."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

import requests
from docker.errors import DockerException

from sandbox.docker.container import Container
from sandbox.docker.wish import Wish
from sandbox.errors import SandboxError
from sandbox.leases import machine_book

log = logging.getLogger("sandbox.docker")

_REMEMBERED = 64
_IDLE_S = 900.0
_LOOK_S = 60.0
_RETRY_S = 600.0
_UNLEASED_S = 0.5


class Pool:
    """At most `room` containers, one for each wish, the latest wishes first.

    A wish without imports gets one from its second box on: a program that runs one box need not pay for two.
    Refilling is put off while anybody has cores for themselves: something is being measured.
    """

    def __init__(self, make: Callable[[Wish], Container], room: int) -> None:
        self._make = make
        self._room = room
        self._changed = threading.Condition()
        self._ready: OrderedDict[Wish, tuple[Container, float]] = OrderedDict()
        self._wanted: list[Wish] = []
        self._asked: OrderedDict[Wish, int] = OrderedDict()
        self._failed: dict[Wish, float] = {}
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="docker-pool", daemon=True)
        self._thread.start()

    def take(self, wish: Wish) -> Container | None:
        """One that waits and lives, now the caller's; or None."""
        with self._changed:
            self._asked[wish] = self._asked.pop(wish, 0) + 1
            while len(self._asked) > _REMEMBERED:
                self._asked.popitem(last=False)
            container, _ = self._ready.pop(wish, (None, 0.0))
        if container is not None and not container.waits():
            container.discard()
            return None
        return container

    def refill(self, wish: Wish) -> None:
        """A box of this wish has ended: another may follow. Returns at once."""
        with self._changed:
            worth = wish.standby is not None or self._asked.get(wish, 0) > 1
            failed = time.monotonic() - self._failed.get(wish, -_RETRY_S) < _RETRY_S
            if self._closing.is_set() or not self._room or not worth or failed or wish in self._wanted:
                return
            self._wanted.append(wish)
            self._changed.notify_all()

    def stacks(self) -> list[str]:
        """Of the containers that wait now."""
        with self._changed:
            return [wish.stack for wish in self._ready]

    def closing(self) -> bool:
        return self._closing.is_set()

    def close(self) -> None:
        """Discard all, and make no more. Safe to call twice."""
        with self._changed:
            self._closing.set()
            self._changed.notify_all()
        self._thread.join()
        with self._changed:
            left, self._ready = self._ready, OrderedDict()
        for container, _ in left.values():
            container.discard()

    def _serve(self) -> None:
        while (wish := self._next()) is not None:
            if wish not in self._ready:
                self._add(wish)

    def _next(self) -> Wish | None:
        """The next to make one for; None when closing."""
        while not self._closing.is_set():
            for container in self._overdue():
                container.discard()
            with self._changed:
                if self._changed.wait_for(lambda: self._wanted or self._closing.is_set(), _LOOK_S) and self._wanted:
                    wish = self._wanted.pop(0)
                else:
                    continue
            while not machine_book().wait_unleased(_UNLEASED_S):
                if self._closing.is_set():
                    return None
            return None if self._closing.is_set() else wish
        return None

    def _overdue(self) -> list[Container]:
        with self._changed:
            old = [wish for wish, (_, since) in self._ready.items() if time.monotonic() - since > _IDLE_S]
            return [self._ready.pop(wish)[0] for wish in old]

    def _add(self, wish: Wish) -> None:
        try:
            container = self._make(wish)
        except (SandboxError, OSError, DockerException, requests.RequestException) as error:
            if self.closing():
                return
            # Its boxes start cold for a while.
            log.warning("docker: no container can be kept ready (stack %s): %s", wish.stack, error)
            self._failed[wish] = time.monotonic()
            return
        with self._changed:
            self._ready[wish] = (container, time.monotonic())
            surplus = [self._ready.popitem(last=False)[1][0] for _ in range(len(self._ready) - self._room)]
        for each in surplus:
            each.discard()
