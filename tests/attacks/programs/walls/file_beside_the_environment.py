"""A file that lies beside the interpreter's environment, readable and writable by all."""

from __future__ import annotations

from kit import attempt

TARGETS = ["secret_file"]
ATTACK = {"says": "ENOENT (ENOENT|EROFS|EACCES)", "lacks": "rz-host-secret"}
CONTROL = {"says": "done"}


def attack(path: str) -> None:
    def read() -> None:
        with open(path) as file:
            print(file.read())

    def write() -> None:
        with open(path, "w") as file:
            file.write("changed")

    print(attempt(read), attempt(write))


def control() -> None:
    def write() -> None:
        with open("/work/own", "w") as file:
            file.write("changed")

    print(attempt(write))
