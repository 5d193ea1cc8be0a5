"""boxd: one process a machine that owns boxes, so that a worker that dies leaves none running."""

from __future__ import annotations
