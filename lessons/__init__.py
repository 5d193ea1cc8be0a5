"""Content: lessons, their exercises, and the two modules that read them."""

from __future__ import annotations
