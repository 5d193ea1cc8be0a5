"""The interpreter that runs the shim."""

from __future__ import annotations

import subprocess
from pathlib import Path

from sandbox.errors import SandboxUnavailable

# Below /usr, which every box has: a box without mounts must run, too.
_CANDIDATES = ("/usr/bin/python3", "/usr/local/bin/python3")
_PROBE = "import sys, socket, ctypes; sys.exit(sys.version_info < (3, 9))"  # 3.9: socket.recv_fds


def find_python() -> Path:
    """The first that is good enough. Raises SandboxUnavailable."""
    for name in _CANDIDATES:
        path = Path(name)
        if path.exists() and path.resolve().is_relative_to("/usr") and _works(path):
            return path
    raise SandboxUnavailable(
        f"none of {', '.join(_CANDIDATES)} is Python 3.9 or newer: run `apt-get install python3-minimal`"
    )


def _works(path: Path) -> bool:
    try:
        return subprocess.run([path, "-I", "-S", "-c", _PROBE], check=False, timeout=20).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
