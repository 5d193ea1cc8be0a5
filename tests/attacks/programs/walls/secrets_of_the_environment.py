"""Passwords in what installed the interpreter's packages: index addresses, configuration, keys."""

from __future__ import annotations

import os
import re
import sys

ATTACK = {"says": r"\[\]"}
CONTROL = {"says": r"\['/work/planted/direct_url.json', '/work/planted/id_rsa'\]"}
NAMES = re.compile(r"direct_url\.json|pip\.conf|\.netrc|\.pypirc|\.env|pyvenv\.cfg|id_(rsa|ed25519)")
SIGNS = re.compile(
    rb"://[^/\s:@]+:[^/\s@]+@|PRIVATE KEY|password\s*[=:]\s*\S|(api|secret)[_-]?(key|token)\s*[=:]\s*\S", re.IGNORECASE
)


def search(*roots: str) -> list[str]:
    found = []
    for root in roots:
        for folder, below, names in os.walk(root):
            below[:] = [name for name in below if name not in {"__pycache__", "test", "tests", "testing"}]
            for name in filter(NAMES.fullmatch, names):
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    if SIGNS.search(file.read(100_000)):
                        found.append(path)
    return sorted(found)


def attack() -> None:
    print(search(sys.prefix, sys.base_prefix))


def control() -> None:
    os.mkdir("/work/planted")
    with open("/work/planted/direct_url.json", "w") as file:
        file.write('{"url": "https://me:word@index.example/x.whl"}')
    with open("/work/planted/id_rsa", "w") as file:
        file.write("-----BEGIN OPENSSH PRIVATE KEY-----")
    print(search("/work"))
