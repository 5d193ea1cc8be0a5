"""Opens descriptors until it is refused; 0, 1, 2 and the control channel are of them."""

from __future__ import annotations

import os
import time

SPEC = {"open_files": 64}
ATTACK = {"says": "EMFILE after 60", "hits": ["open_files"]}
CONTROL = {"says": "all 50"}


def open_many(most: int) -> None:
    made = 0
    try:
        while made < most:
            os.dup(0)
            made += 1
        print("all", made)
    except OSError as error:
        print("EMFILE" if error.errno == 24 else error, "after", made)
        time.sleep(0.2)  # until somebody looks


def attack() -> None:
    open_many(100_000)


def control() -> None:
    open_many(50)
