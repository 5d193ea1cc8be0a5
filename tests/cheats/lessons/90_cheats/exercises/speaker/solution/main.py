from __future__ import annotations

from kit import speak

__all__ = ["speak"]
