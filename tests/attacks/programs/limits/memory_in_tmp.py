"""Files in /tmp are memory."""

from __future__ import annotations

import time

from kit import fill

SPEC = {"memory_bytes": "96M", "disk_bytes": "256M"}
ATTACK = {"status": "memory_limit", "hits": ["memory"]}
CONTROL = {"says": "done"}


def attack() -> None:
    print(fill("/tmp/a", 200))
    time.sleep(5)


def control() -> None:
    print(fill("/tmp/a", 20))
