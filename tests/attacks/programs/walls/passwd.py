"""The host's users."""

from __future__ import annotations

ATTACK = {"says": "learner:x:10001:10001:learner:/work:/bin/sh", "lacks": "root:"}
CONTROL = {"says": "learner"}


def attack() -> None:
    with open("/etc/passwd") as users:
        print(users.read())


def control() -> None:
    import pwd

    print(pwd.getpwuid(10001).pw_name)
