"""Asks the kernel to end anybody but itself."""

from __future__ import annotations

from kit import attempt, touch

SPEC = {"memory_bytes": "128M"}
ATTACK = {"status": "memory_limit", "hits": ["memory"], "says": "(EACCES|EROFS).*"}
CONTROL = {"says": "True"}


def attack() -> None:
    def spare() -> None:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("-1000")

    print(attempt(spare), flush=True)
    hoard = []
    while True:
        hoard.append(touch(4))


def control() -> None:
    with open("/proc/self/oom_score_adj") as file:
        print(-1000 < int(file.read()) <= 1000)
