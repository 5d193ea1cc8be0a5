"""Prints what no terminal, log or JSON should hold, as its last words."""

from __future__ import annotations

import os

CHEAT = {"exercise": "adapter", "verdict": "crashed", "caught_by": "crashed", "says": "exit code 3"}

os.write(2, b"\xff\xfe\x00 \x1b]0;passed\x07 \xed\xa0\x80 \xf4\x90\x80\x80\n" * 100)
os._exit(3)
