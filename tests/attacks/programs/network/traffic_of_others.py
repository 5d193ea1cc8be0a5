"""What the host's network holds, by /proc/net."""

from __future__ import annotations

TARGETS = ["tcp"]
ATTACK = {"says": "False False"}
CONTROL = {"says": "True"}


def listening(port: int) -> bool:
    with open("/proc/net/tcp") as sockets:
        return any(f":{port:04X} " in line for line in sockets)


def attack(port: str) -> None:
    with open("/proc/net/dev") as devices:
        beyond = [line for line in devices if ":" in line and not line.strip().startswith("lo:")]
    print(listening(int(port)), any(int(line.split(":")[1].split()[0]) for line in beyond))


def control() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        print(listening(server.getsockname()[1]))
