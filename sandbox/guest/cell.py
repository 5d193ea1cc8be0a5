"""Runs a lesson's cell inside a box: earlier cells of its session silently, then this one; hands over what it shows.

A cell shows its prints, the value of a last expression, tables, and matplotlib's open figures. Never HTML.
"""

from __future__ import annotations

import ast
import io
import json
import linecache
import os
import sys
import traceback
from typing import Any

from sandbox.guest.frames import read_frame, write_frame

_MAX_TEXT = 64 * 1024
_MAX_ROWS = 200
_MAX_COLUMNS = 50
_MAX_CELL_TEXT = 500
_MAX_FIGURES = 8


def main() -> None:
    """Serve one request."""
    request = read_frame()
    if request is None:
        return
    header, payload = request
    sys.path[:] = ["/work", *(path for path in sys.path if path not in {"", "/opt/rankzero"})]
    sources: list[str] = json.loads(payload)
    for kind, data in run(sources):
        write_frame({"nonce": header["nonce"], "kind": kind}, data)
    read_frame()  # until the host has all of it and closes
    os._exit(0)


def run(sources: list[str]) -> list[tuple[str, bytes]]:
    """Frames as (kind, payload); the last is "done" or "error"."""
    names: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}
    try:
        with Silence():
            for number, source in enumerate(sources[:-1], start=1):
                execute(source, f"<cell {number}>", names)
            close_figures()
        value = execute(sources[-1], f"<cell {len(sources)}>", names)
        frames = [*shown(value), *figures()]
    except BaseException as error:  # SystemExit too: a cell that exits has no more to show
        sys.stdout.flush()
        return [("error", describe(error).encode())]
    sys.stdout.flush()
    return [*frames, ("done", b"")]


class Silence:
    """Sends both output descriptors to /dev/null for a while."""

    def __enter__(self) -> None:
        sys.stdout.flush()
        self._saved = [os.dup(1), os.dup(2)]
        null = os.open("/dev/null", os.O_WRONLY)
        for fd in (1, 2):
            os.dup2(null, fd)
        os.close(null)

    def __exit__(self, *_: object) -> None:
        sys.stdout.flush()
        for fd, saved in zip((1, 2), self._saved, strict=True):
            os.dup2(saved, fd)
            os.close(saved)


def execute(source: str, name: str, names: dict[str, Any]) -> Any:
    """Run a cell; the value of its last expression, or None."""
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    tree = ast.parse(source, name)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), names)
    if last is None:
        return None
    assert isinstance(last, ast.Expr)
    return eval(compile(ast.Expression(last.value), name, "eval"), names)


def shown(value: Any) -> list[tuple[str, bytes]]:
    """The value of a last expression: a table where it is one, else its repr."""
    if value is None or _is_drawn(value):
        return []
    table = as_table(value)
    if table is not None:
        return [("table", json.dumps(table).encode())]
    return [("text", repr(value)[:_MAX_TEXT].encode(errors="replace"))]


def as_table(value: Any) -> dict[str, Any] | None:
    """A pandas DataFrame or Series, or a list of dicts, as columns and rows; None for anything else."""
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(value, pandas.Series):
        value = value.to_frame()
    if pandas is not None and isinstance(value, pandas.DataFrame):
        head = value.iloc[:_MAX_ROWS, :_MAX_COLUMNS].reset_index()
        rows = [[_plain(item) for item in row] for row in head.itertuples(index=False, name=None)]
        return {"columns": [str(name)[:_MAX_CELL_TEXT] for name in head.columns], "rows": rows, "total": len(value)}
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        columns = list(dict.fromkeys(key for row in value[:_MAX_ROWS] for key in row))[:_MAX_COLUMNS]
        rows = [[_plain(row.get(key)) for key in columns] for row in value[:_MAX_ROWS]]
        return {"columns": [str(name)[:_MAX_CELL_TEXT] for name in columns], "rows": rows, "total": len(value)}
    return None


def _plain(item: Any) -> str | float | bool | None:
    """A table's entry: a number where it is one, else text."""
    scalar = item.item() if hasattr(item, "item") and getattr(item, "ndim", 1) == 0 else item
    if scalar is None or isinstance(scalar, bool):
        return scalar
    if isinstance(scalar, int) and abs(scalar) < 2**53:
        return scalar
    if isinstance(scalar, float) and abs(scalar) < float("inf"):  # NaN fails this too
        return scalar
    return str(scalar)[:_MAX_CELL_TEXT]


def _is_drawn(value: Any) -> bool:
    """matplotlib's own objects: the figure is shown, their repr would be noise."""
    items = value if isinstance(value, list | tuple) and value else [value]
    return all(type(item).__module__.startswith("matplotlib.") for item in items)


def figures() -> list[tuple[str, bytes]]:
    """Every open figure as PNG."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return []
    frames = []
    for number in pyplot.get_fignums()[:_MAX_FIGURES]:
        buffer = io.BytesIO()
        pyplot.figure(number).savefig(buffer, format="png", dpi=110, bbox_inches="tight")
        frames.append(("png", buffer.getvalue()))
    return frames


def close_figures() -> None:
    """Those of earlier cells were shown there."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close("all")


def describe(error: BaseException) -> str:
    """The traceback without our own frames."""
    report = traceback.TracebackException.from_exception(error)
    here = os.path.dirname(os.path.abspath(__file__))
    kept = [frame for frame in report.stack if not frame.filename.startswith(here) and frame.filename != ast.__file__]
    report.stack = traceback.StackSummary.from_list(kept)
    return "".join(report.format())[-_MAX_TEXT:]


if __name__ == "__main__":
    main()
