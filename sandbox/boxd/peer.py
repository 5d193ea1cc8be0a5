"""Who is at the other end of a unix socket: the kernel says."""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple


class Peer(NamedTuple):
    """The process that connected, as it was then."""

    pid: int
    uid: int
    gid: int


def peer_of(sock: socket.socket) -> Peer:
    credentials = struct.Struct("3i")
    return Peer(*credentials.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, credentials.size)))
