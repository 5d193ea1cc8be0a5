"""Files that run inside a box: standard library only, nothing of ours outside this folder."""

from __future__ import annotations
