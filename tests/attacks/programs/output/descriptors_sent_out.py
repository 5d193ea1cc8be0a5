"""Sends descriptors along its control channel, hoping that the host keeps them."""

from __future__ import annotations

import os
import socket

ATTACK = {"says": "sent"}
CONTROL = {"says": "sent"}


def attack() -> None:
    with socket.socket(fileno=os.dup(3)) as control_channel:
        control_channel.setblocking(False)
        try:
            for _ in range(200):
                socket.send_fds(control_channel, [b"x" * 4096], [os.open("/work", os.O_RDONLY)])
        except (BlockingIOError, OSError):
            pass
    print("sent")


def control() -> None:
    os.write(3, b"x")
    print("sent")
