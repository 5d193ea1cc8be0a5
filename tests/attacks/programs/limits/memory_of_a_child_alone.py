"""A child is ended for its memory; the parent pretends that nothing happened."""

from __future__ import annotations

import os

from kit import touch

SPEC = {"memory_bytes": "128M"}
ATTACK = {"status": "memory_limit", "hits": ["memory"]}
CONTROL = {"says": "0"}


def of_child(mebibytes: int) -> int:
    pid = os.fork()
    if pid == 0:
        kept = touch(mebibytes)
        os._exit(len(kept) == 0)
    return os.waitpid(pid, 0)[1]


def attack() -> None:
    of_child(400)
    print("all is well")


def control() -> None:
    print(of_child(20))
