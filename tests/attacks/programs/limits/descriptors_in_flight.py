"""Hoards descriptors by sending them into sockets that nobody reads."""

from __future__ import annotations

import os
import socket

from kit import name_of

SPEC = {"open_files": 64}
ATTACK = {"says": "(ETOOMANYREFS|EAGAIN|EMFILE) before 20000"}
CONTROL = {"says": "arrived 1"}


def attack() -> None:
    kept, sent = [], 0
    file = os.open("/work", os.O_RDONLY)
    try:
        while sent < 20_000:
            ends = socket.socketpair()
            kept.append(ends)
            while sent < 20_000:
                ends[0].setblocking(False)
                try:
                    socket.send_fds(ends[0], [b"x"], [file] * 50)
                except BlockingIOError:
                    break
                sent += 50
        print("sent", sent)
    except OSError as error:
        print(name_of(error), "before 20000")


def control() -> None:
    a, b = socket.socketpair()
    socket.send_fds(a, [b"x"], [os.open("/work", os.O_RDONLY)])
    print("arrived", len(socket.recv_fds(b, 10, 4)[1]))
