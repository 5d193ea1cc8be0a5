"""Hands over a second name of the base."""

from __future__ import annotations

import os

from kit import OUT

CHEAT = {"exercise": "adapter", "verdict": "rejected", "caught_by": "rejected", "says": "is a link"}

os.link("/work/data/base.safetensors", OUT)
