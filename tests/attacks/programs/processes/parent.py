"""Signals whoever started it: by number, by group, by session, through its control channel's peer."""

from __future__ import annotations

import os
import signal
import socket
import struct

ATTACK = {"says": "parent (0|1), peer -?[0-9]+, still here"}
CONTROL = {"says": "True"}


def attack() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    parent = os.getppid()
    with socket.socket(fileno=os.dup(3)) as control:
        peer = struct.unpack("3i", control.getsockopt(socket.SOL_SOCKET, 17, 12))[0]  # SO_PEERCRED
    for target in (peer, -os.getpgrp(), 0):
        try:
            if target not in {os.getpid(), -1}:
                os.kill(target, signal.SIGTERM)
        except OSError:
            continue
    print(f"parent {min(parent, 1)}, peer {peer}, still here")


def control() -> None:
    print(os.getpgrp() > 0 and os.getsid(0) > 0)
