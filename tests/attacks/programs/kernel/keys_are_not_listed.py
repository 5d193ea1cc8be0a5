"""Reads the list of keys that it may see."""

from __future__ import annotations

ATTACK = {"says": "0 keys"}
CONTROL = {"says": "True"}


def attack() -> None:
    try:
        with open("/proc/keys") as keys:
            print(len([line for line in keys if "_uid" not in line and "_ses" not in line]), "keys")
    except OSError:
        print("0 keys")


def control() -> None:
    with open("/proc/self/limits") as limits:
        print("Max open files" in limits.read())
