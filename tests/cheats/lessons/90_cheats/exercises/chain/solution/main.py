from __future__ import annotations

from kit import fast as chain

__all__ = ["chain"]
