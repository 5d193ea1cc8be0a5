"""The functions of lesson 9's runnable cells, as the learner gets them. Standard library only."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from lessons.document import read_document

CONSTANTS = {"z", "P_A", "FIXED", "PER_LOOK"}  # P_A stands first of its line: EFFECT and LOOKS come with it
LESSON = Path(__file__).resolve().parents[3] / "lessons" / "09_ab_testing"


def definitions(session: str) -> dict[str, Any]:
    """Imports, constants and functions of a session's cells, without what the cells compute and draw."""
    cells = read_document((LESSON / "lesson.md").read_text()).cells
    names: dict[str, Any] = {}
    for cell in cells:
        if cell.session == session:
            tree = ast.parse(cell.code)
            tree.body = [node for node in tree.body if is_definition(node)]
            exec(compile(tree, f"cell {cell.index}", "exec"), names)
    return names


def is_definition(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign):
        first = node.targets[0]
        named = first.elts[0] if isinstance(first, ast.Tuple) else first
        return isinstance(named, ast.Name) and named.id in CONSTANTS
    if isinstance(node, ast.Import | ast.ImportFrom):
        return "matplotlib" not in ast.dump(node) and "pandas" not in ast.dump(node)
    return isinstance(node, ast.FunctionDef)
