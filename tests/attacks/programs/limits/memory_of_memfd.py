"""Files without a name, in no folder and no mapping; where nothing could count them they are not to be had."""

from __future__ import annotations

import os
import time

from kit import MIB, attempt

SPEC = {"memory_bytes": "96M"}
ATTACK = {"status": "memory_limit", "hits": ["memory"], "lacks": "hidden"}
WATCHDOG = {"says": "", "error": "Function not implemented", "exit": 1, "lacks": "hidden"}
CONTROL = {"says": "(done|ENOSYS)"}


def attack() -> None:
    for _ in range(60):
        os.write(os.memfd_create("x"), b"1" * (4 * MIB))
    time.sleep(0.5)
    print("hidden")


def control() -> None:
    print(attempt(os.memfd_create, "x"))
