"""How steady the grader's figures are here, and what grading costs: `manage.py bench grade`."""

from __future__ import annotations
