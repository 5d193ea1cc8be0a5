"""Fixtures of the tests of boxd."""

from __future__ import annotations

from tests.boxd_process import boxd, client, lasting_boxd, mark, start_boxd

__all__ = ["boxd", "client", "lasting_boxd", "mark", "start_boxd"]
