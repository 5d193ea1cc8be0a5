"""What runs inside a template and, after the copy, inside a box: standard library only, nothing of ours outside it."""

from __future__ import annotations
