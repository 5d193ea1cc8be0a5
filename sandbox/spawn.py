"""Starts child processes from one thread that lives as long as this process.

What makes boxes dies with its parent (PR_SET_PDEATHSIG), and to the kernel the parent is the *thread* that forked:
started from a short-lived worker thread, it would be killed as soon as that thread returned.
"""

from __future__ import annotations

import os
import queue
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import Future

_Job = tuple[Callable[[], "subprocess.Popen[bytes]"], "Future[subprocess.Popen[bytes]]"]


class _Spawner:
    def __init__(self) -> None:
        self.pid = os.getpid()
        self.jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        threading.Thread(target=self._serve, name="sandbox-spawn", daemon=True).start()

    def _serve(self) -> None:
        while True:
            start, future = self.jobs.get()
            try:
                future.set_result(start())
            except BaseException as error:  # handed to whoever asked
                future.set_exception(error)


_lock = threading.Lock()
_spawner: _Spawner | None = None


def spawn(start: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    """Call `start` on the spawning thread and return what it returns, or raise what it raises."""
    global _spawner  # one thread a process
    with _lock:
        # A forked child has the object but not the thread.
        if _spawner is None or _spawner.pid != os.getpid():
            _spawner = _Spawner()
        spawner = _spawner
    future: Future[subprocess.Popen[bytes]] = Future()
    spawner.jobs.put((start, future))
    return future.result()
