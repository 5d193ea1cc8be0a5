"""Removes dead containers and their folders behind the caller's back: removal takes longer than most programs."""

from __future__ import annotations

import logging
import queue
import threading

import requests
from docker.errors import DockerException

from sandbox.docker.engine import Engine
from sandbox.docker.folder import BoxFolder

log = logging.getLogger("sandbox.docker")


class Reaper:
    """One thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._bodies: queue.Queue[tuple[str, BoxFolder] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._serve, name="docker-reaper", daemon=True)
        self._thread.start()

    def bury(self, container: str, folder: BoxFolder) -> None:
        """Returns at once."""
        self._bodies.put((container, folder))

    def settle(self) -> None:
        """Block until everything is removed that was handed over."""
        self._bodies.join()

    def close(self) -> None:
        """Settle, and end the thread. Safe to call twice."""
        self._bodies.put(None)
        self._thread.join()

    def _serve(self) -> None:
        while (body := self._bodies.get()) is not None:
            container, folder = body
            try:
                self._engine.remove(container)
            except (DockerException, requests.RequestException) as error:
                # The next sweep tries again, once we are dead.
                log.error("cannot remove container %s: %s", container[:12], error)
            finally:
                folder.remove()
                self._bodies.task_done()
