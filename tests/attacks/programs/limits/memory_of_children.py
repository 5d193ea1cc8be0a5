"""Each child takes little, all together take too much."""

from __future__ import annotations

import os
import time

from kit import touch

SPEC = {"memory_bytes": "160M"}
ATTACK = {"status": "memory_limit", "hits": ["memory"]}
CONTROL = {"says": "all held"}


def hold(children: int, mebibytes: int) -> None:
    for _ in range(children):
        if os.fork() == 0:
            kept = touch(mebibytes)
            time.sleep(1)
            os._exit(len(kept) == 0)
    codes = [os.wait()[1] for _ in range(children)]
    print("all held" if not any(codes) else codes)


def attack() -> None:
    hold(8, 30)
    time.sleep(30)


def control() -> None:
    hold(4, 12)
