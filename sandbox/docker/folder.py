"""A box's folder on the host: its socket and the few files that the container sees. Ours alone (mode 700)."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import socket
import stat
import struct
import tempfile
import threading
from pathlib import Path

from sandbox.errors import BoxStartError
from sandbox.owner import OWNER_PREFIX, owner_is_dead, owner_name

_LONGEST_PATH = 107  # sockaddr_un holds 108 bytes with the final NUL
_PEER = struct.Struct("3i")


class BoxFolder:
    """Made with a listening socket in it; `remove` takes all of it away."""

    def __init__(self) -> None:
        """Raises BoxStartError."""
        self.path = Path(tempfile.mkdtemp(dir=_owned()))
        self.socket = self.path / "sock"
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            if len(os.fsencode(self.socket)) > _LONGEST_PATH:
                raise BoxStartError(f"the path {self.socket} is too long for a socket: set TMPDIR to a shorter folder")
            self._listener.bind(str(self.socket))
            # The box's user must reach it; the folder around it keeps everybody else out.
            self.socket.chmod(0o666)
            self._listener.listen(1)
        except OSError as error:
            self.remove()
            raise BoxStartError(f"cannot listen at {self.socket}: {error}") from error
        except BaseException:
            self.remove()
            raise

    def put(self, name: str, data: bytes) -> Path:
        """A file for the container to see, read-only there."""
        path = self.path / name
        path.write_bytes(data)
        path.chmod(0o444)
        return path

    def accept(self, timeout_s: float) -> tuple[socket.socket, int] | None:
        """The first connection and its process as we number it; None if nobody came in time. Once only."""
        poller = select.poll()
        poller.register(self._listener, select.POLLIN)
        if not poller.poll(timeout_s * 1000):
            return None
        channel, _ = self._listener.accept()
        self._listener.close()
        pid, _, _ = _PEER.unpack(channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
        return channel, pid

    def remove(self) -> None:
        """Safe to call twice."""
        self._listener.close()
        shutil.rmtree(self.path, ignore_errors=True)


def _owned() -> Path:
    """The folder of all our boxes' folders. Raises BoxStartError if somebody else made it first."""
    path = Path(tempfile.gettempdir(), owner_name())
    path.mkdir(mode=0o700, exist_ok=True)
    state = path.lstat()
    if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.geteuid() or stat.S_IMODE(state.st_mode) != 0o700:
        raise BoxStartError(f"{path} is not ours alone: remove it, or set TMPDIR to a folder of your own")
    return path


def remove_owned() -> None:
    """Remove the folder of all our boxes' folders, if none is left in it."""
    with contextlib.suppress(OSError):
        Path(tempfile.gettempdir(), owner_name()).rmdir()


_sweeping = threading.Lock()


def sweep_folders() -> int:
    """Remove what dead owners left; how many there were."""
    with _sweeping:
        left = [path for path in Path(tempfile.gettempdir()).glob(f"{OWNER_PREFIX}*") if _is_orphan(path)]
        for path in left:
            shutil.rmtree(path, ignore_errors=True)
    return len(left)


def _is_orphan(path: Path) -> bool:
    try:
        state = path.lstat()
    except FileNotFoundError:  # swept by another
        return False
    return stat.S_ISDIR(state.st_mode) and state.st_uid == os.geteuid() and owner_is_dead(path.name)
