"""Programs of the host that make whoever runs them root."""

from __future__ import annotations

import os
import subprocess

ATTACK = {"says": r"(rws su )?[1-9][0-9]* (rws mount )?[1-9][0-9]* (rws passwd )?[1-9][0-9]* 10001"}
CONTROL = {"says": "10001"}


def attack() -> None:
    tries = {"su": ["-c", "id -u"], "mount": ["-t", "tmpfs", "none", "/tmp"], "passwd": ["-d", "root"]}
    for name, arguments in tries.items():
        path = f"/usr/bin/{name}"
        if os.path.exists(path) and os.stat(path).st_mode & 0o4000:
            print("rws", name, end=" ")
        done = subprocess.run([path, *arguments], stdin=subprocess.DEVNULL, capture_output=True, check=False)
        print(done.returncode, end=" ")
    print(os.geteuid())


def control() -> None:
    print(subprocess.run(["/usr/bin/id", "-u"], capture_output=True, text=True, check=True).stdout)
