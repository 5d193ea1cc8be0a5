"""The folders on the way to the interpreter: what lies beside the way."""

from __future__ import annotations

import os
import sys

ATTACK = {"says": r"\[\]"}
CONTROL = {"says": "True"}


def attack() -> None:
    strange = []
    for place in {sys.prefix, os.path.realpath(sys.base_prefix), sys.base_prefix}:
        ways = {sys.prefix, sys.base_prefix, os.path.realpath(sys.base_prefix)}
        parent = os.path.dirname(place)
        while parent not in {"/", "/usr", "/usr/local", "/work"}:
            for name in os.listdir(parent):
                path = os.path.join(parent, name)
                if not any(way == path or way.startswith(f"{path}/") for way in ways):
                    strange.append(path)
            parent = os.path.dirname(parent)
    print(strange)


def control() -> None:
    print("lib" in os.listdir(sys.prefix))
