"""Makes a program of its own that runs as another user."""

from __future__ import annotations

import os
import shutil
import subprocess

from kit import attempt

ATTACK = {"says": "(done|EPERM) (EPERM|EINVAL) (10001|refused)"}
CONTROL = {"says": "10001"}


def attack() -> None:
    shutil.copy("/usr/bin/id", "/tmp/id")
    marked = attempt(os.chmod, "/tmp/id", 0o6755)
    given = attempt(os.chown, "/tmp/id", 0, 0)
    try:
        said = subprocess.run(["/tmp/id", "-u"], capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        said = "refused"
    print(marked, given, said)


def control() -> None:
    print(subprocess.run(["/usr/bin/id", "-u"], capture_output=True, text=True, check=True).stdout)
