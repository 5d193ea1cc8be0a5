"""Whether this worker was told to stop: its main process notes it, and its pool, forked from that, sees it."""

from __future__ import annotations

import mmap
import time

# Shared memory, not a lock of any kind: it is written in the handler of a signal.
_told = mmap.mmap(-1, 1)


def stop() -> None:
    """This worker starts no run any more, and what runs is given back soon."""
    _told[0] = 1


def is_stopping() -> bool:
    return _told[0] == 1


def await_word(seconds: float) -> bool:
    """Whether the word comes within that time: a cold stop ends the pool's processes first and then says so."""
    deadline = time.monotonic() + seconds
    while not is_stopping() and time.monotonic() < deadline:
        time.sleep(0.02)
    return is_stopping()


def forget() -> None:
    """For a process that goes on after all, as one that tests the end of a worker does."""
    _told[0] = 0


class Grace:
    """How long a run may still go on after the worker was told to stop."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._since: float | None = None

    def is_over(self) -> bool:
        """To be asked again and again: the time begins when it is first asked after the word to stop."""
        if not is_stopping():
            return False
        if self._since is None:
            self._since = time.monotonic()
        return time.monotonic() - self._since >= self.seconds
