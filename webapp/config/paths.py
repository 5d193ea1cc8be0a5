"""Where things lie on this machine. Standard library only: the supervisor and boxd's clients use it without Django."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def state_dir() -> Path:
    """The folder of everything that must survive a restart; made with mode 700."""
    folder = Path(os.environ.get("RANKZERO_STATE") or ROOT / "var").resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def socket_dir() -> Path:
    """A short folder for Unix sockets (their paths are limited to 107 bytes), one for each state folder, mode 700.

    Raises PermissionError when another user owns the folder: its sockets could not be trusted.
    """
    key = hashlib.sha256(str(state_dir()).encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"rankzero-{os.getuid()}-{key}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if status.st_uid != os.getuid() or status.st_mode & 0o077 or folder.is_symlink():
        raise PermissionError(f"{folder} is not a private folder of this user: remove it and start again")
    return folder


def valkey_socket() -> Path:
    return socket_dir() / "valkey.sock"


def boxd_socket() -> Path:
    return socket_dir() / "boxd.sock"


def lab_dir() -> Path:
    """The environment that boxes and judges run with."""
    return Path(os.environ.get("RANKZERO_LAB") or ROOT / ".venv-lab").resolve()
