"""Waits in vfork, where a signal alone does not wake: the parent until its child ends, the child for ever."""

from __future__ import annotations

import ctypes
import os
import signal

SPEC = {"wall_s": 0.8}
ATTACK = {"status": "wall_limit", "hits": ["wall"], "wall_s": 8.0}
CONTROL = {"says": "0"}


def attack() -> None:
    libc = ctypes.PyDLL(None)
    clone_vfork = 0x4000
    pid = libc.syscall(56, clone_vfork | signal.SIGCHLD, 0, 0, 0, 0)
    if pid == 0:
        while True:
            signal.pause()


def control() -> None:
    print(os.spawnv(os.P_WAIT, "/bin/true", ["true"]))
