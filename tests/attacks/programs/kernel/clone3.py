"""The call whose flags no filter can read."""

from __future__ import annotations

import ctypes
import threading

from kit import syscall

ATTACK = {"says": "ENOSYS"}
CONTROL = {"says": "a thread by another way"}


def attack() -> None:
    print(syscall(435, ctypes.create_string_buffer(88), 88))


def control() -> None:
    thread = threading.Thread(target=print, args=("a thread by another way",))
    thread.start()
    thread.join()
