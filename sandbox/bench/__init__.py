"""What a box costs here, measured beside what a user would run instead: `manage.py bench box`."""

from __future__ import annotations
