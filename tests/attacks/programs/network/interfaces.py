"""Other interfaces, tunnels and devices to bind to."""

from __future__ import annotations

import fcntl
import socket
import struct

from kit import attempt

ATTACK = {"says": r"\['lo'\] (ENODEV|EPERM) (ENOENT|EACCES|EPERM) (EPERM|ENODEV)"}
CONTROL = {"says": "127.0.0.1"}


def attack() -> None:
    with socket.socket() as probe:
        bound = attempt(probe.setsockopt, socket.SOL_SOCKET, 25, b"eth0\0")  # SO_BINDTODEVICE
        down = attempt(fcntl.ioctl, probe, 0x8914, struct.pack("16sH14x", b"lo", 0))  # SIOCSIFFLAGS
    print([name for _, name in socket.if_nameindex()], bound, attempt(open, "/dev/net/tun", "r+b", buffering=0), down)


def control() -> None:
    with socket.socket() as probe:
        said = fcntl.ioctl(probe, 0x8915, struct.pack("16s16x", b"lo"))  # SIOCGIFADDR
        print(socket.inet_ntoa(said[20:24]))
