"""Links whose targets are the host's files: they are resolved here, where those are not."""

from __future__ import annotations

import os

from kit import attempt

TARGETS = ["secret_file"]
ATTACK = {"says": "ENOENT ENOENT ENOENT ENOENT", "lacks": "rz-host-secret"}
CONTROL = {"says": "own"}


def attack(path: str) -> None:
    os.symlink(path, "/work/link")
    os.symlink(f"/proc/1/root{path}", "/work/by-proc")
    os.symlink("../../../../../../../../.." + path, "/work/up")
    print(
        attempt(open, "/work/link"),
        attempt(open, "/work/by-proc").replace("EACCES", "ENOENT"),
        attempt(open, "/work/up"),
        attempt(os.link, path, "/work/hard"),
    )


def control() -> None:
    with open("/work/a", "w") as file:
        file.write("own")
    os.symlink("/work/a", "/work/link")
    with open("/work/link") as file:
        print(file.read())
