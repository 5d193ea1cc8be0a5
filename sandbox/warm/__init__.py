"""Warm boxes: copies of a process that has imported a stack and done nothing else, each put into a box of its own."""

from __future__ import annotations
