"""The three writable file systems of a box, watched from outside: files in them, and whether one was full."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
PLACES = ("work", "tmp", "dev/shm")


@dataclass(slots=True)
class Disks:
    """Opens the box's file systems once they are there; they can be asked until `close`, even after the box died."""

    inodes: int = 0
    full: bool = False
    _fds: list[int] = field(default_factory=list)

    @property
    def opened(self) -> bool:
        return bool(self._fds)

    def try_open(self, init_pid: int) -> None:
        """Do nothing while the box is still being set up, or is gone."""
        if self._fds:
            return
        fds: list[int] = []
        try:
            root = os.stat(f"/proc/{init_pid}/root").st_dev  # noqa: PTH116  on the hot path of every start
            for place in PLACES:
                fds.append(os.open(f"/proc/{init_pid}/root/{place}", _FLAGS))  # noqa: PERF401  what is open must be known
            devices = {os.fstat(fd).st_dev for fd in fds}
        except OSError:
            devices = set()
        # While it is being set up, the box still has our root, and these names would mean our own folders: the box's
        # are three file systems of their own.
        if len(devices) == len(PLACES) and not devices & {root, os.stat("/").st_dev}:  # noqa: PTH116  as above
            self._fds = fds
        else:
            _close(fds)

    def look(self) -> None:
        """Take new figures; the old ones stay where nothing is open."""
        if self._fds:
            disks = [os.fstatvfs(fd) for fd in self._fds]
            # Each holds its own root, which the box did not make.
            self.inodes = sum(disk.f_files - disk.f_ffree - 1 for disk in disks)
            self.full = self.full or any(disk.f_bfree == 0 for disk in disks)

    def close(self) -> None:
        """Let the memory go that the files hold."""
        fds, self._fds = self._fds, []
        _close(fds)


def _close(fds: list[int]) -> None:
    for fd in fds:
        os.close(fd)
