"""Files whose names take as much room as names can."""

from __future__ import annotations

import time

SPEC = {"inodes": 3000, "memory_bytes": "128M"}
ATTACK = {"status": ["inode_limit", "memory_limit"]}
CONTROL = {"says": "255"}


def attack() -> None:
    try:
        for number in range(200_000):
            open(f"/tmp/{number:0255d}", "w").close()
    except OSError:
        pass
    time.sleep(5)


def control() -> None:
    name = "ü" * 127 + "x"
    open(f"/tmp/{name}", "w").close()
    print(len(name.encode()))
