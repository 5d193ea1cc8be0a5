"""The host's passwords, keys and configuration, by name and by going up."""

from __future__ import annotations

import os

ATTACK = {"says": r"\[\]"}
CONTROL = {"says": "True True"}


def attack() -> None:
    names = [
        "etc/shadow",
        "etc/ssl/private",
        "etc/ssh",
        "root/.ssh",
        "root/.bash_history",
        "var/log",
        "var/run/docker.sock",
    ]
    names += [
        "home",
        "boot",
        "srv",
        "mnt",
        "media",
        "run/docker.sock",
        "run/secrets",
        "sys/kernel/debug",
        "opt/rankzero",
    ]
    up = "/".join([".."] * 40)
    print(
        [
            path
            for name in names
            for path in (f"/{name}", f"/work/{up}/{name}")
            if os.path.exists(path) and _content(path)
        ]
    )


def _content(path: str) -> bool:
    """An empty folder, as images have, shows nothing."""
    try:
        return not os.path.isdir(path) or bool(os.listdir(path))
    except OSError:
        return False


def control() -> None:
    print(os.path.exists("/etc/hosts"), os.path.exists("/work/program.py"))
