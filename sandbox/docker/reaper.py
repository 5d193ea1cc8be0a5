"""Removes dead containers and their folders behind the caller's back: removal takes longer than most programs."""

from __future__ import annotations

import logging
import queue
import threading

from sandbox.docker.engine import Engine
from sandbox.docker.folder import BoxFolder

log = logging.getLogger("sandbox.docker")


class Reaper:
    """One thread. Whatever happens to one body, the next is taken: who settles must not wait for ever."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._bodies: queue.Queue[tuple[str, BoxFolder] | None] = queue.Queue()
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="docker-reaper", daemon=True)
        self._thread.start()

    def bury(self, container: str, folder: BoxFolder) -> None:
        """Returns at once. After `close` the container is left to the next sweep."""
        with self._lock:
            if not self._closed:
                self._bodies.put((container, folder))
                return
        folder.remove()

    def settle(self) -> None:
        """Block until everything is removed that was handed over."""
        self._bodies.join()

    def close(self) -> None:
        """Settle, and end the thread. Safe to call twice."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._bodies.put(None)
        self._thread.join()

    def _serve(self) -> None:
        while (body := self._bodies.get()) is not None:
            self._bury(*body)
            self._bodies.task_done()
        self._bodies.task_done()

    def _bury(self, container: str, folder: BoxFolder) -> None:
        try:
            self._engine.remove(container)
        except Exception as error:  # the next sweep tries again, once we are dead
            log.error("cannot remove container %s: %s", container[:12], error)
        folder.remove()
