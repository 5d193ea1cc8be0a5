"""A chain of processes, each of which forks the next and ends: none lives long enough to be shot one by one."""

from __future__ import annotations

import os

SPEC = {"pids": 30, "wall_s": 3.0}
ATTACK = {"status": "wall_limit", "hits": ["wall"], "wall_s": 8.0}
CONTROL = {"says": "10 links"}


def attack() -> None:
    parent = os.getpid()
    while True:
        pid = os.fork()
        if pid and os.getpid() == parent:
            while True:  # the first stays, so that the box does not end with it
                try:
                    os.wait()
                except ChildProcessError:
                    pass
        if pid:
            os._exit(0)


def control() -> None:
    read, write = os.pipe()
    links = 0
    while os.fork() == 0:
        links += 1
        if links == 10:
            os.write(write, b"10 links")
            os._exit(0)
    if links == 0:
        print(os.read(read, 100).decode())
    else:
        os._exit(0)
