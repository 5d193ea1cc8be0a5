"""Private mappings of a program file, written to: a page of one's own for each."""

from __future__ import annotations

import mmap
import time

SPEC = {"memory_bytes": "128M", "open_files": 4096}  # a mapping holds one
ATTACK = {"status": "memory_limit", "hits": ["memory"]}
CONTROL = {"says": "3 mapped"}


def hold(count: int) -> None:
    kept = []
    with open("/usr/bin/bash", "rb") as file:
        for _ in range(count):
            pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
            for at in range(0, len(pages), 4096):
                pages[at] = 1
            kept.append(pages)
    print(len(kept), "mapped")


def attack() -> None:
    hold(600)
    time.sleep(5)


def control() -> None:
    hold(3)
