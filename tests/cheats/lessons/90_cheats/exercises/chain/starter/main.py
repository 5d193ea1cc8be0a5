from __future__ import annotations

from kit import slow as chain

__all__ = ["chain"]
