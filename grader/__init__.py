"""Drives a learner's program through a narrow protocol, measures it, and writes a Report."""

from __future__ import annotations
