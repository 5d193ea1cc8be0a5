"""Runnable cells, in real boxes; and the guest's way to see tables."""

from __future__ import annotations

import base64

import pytest

from grader import LogEvent, OutputEvent, run_cell
from sandbox.guest import cell


def run(*sources):
    """(verdict, message, prints, outputs)."""
    events = []
    result = run_cell(list(sources), on_event=events.append)
    prints = [f"{event.stream}: {event.text}" for event in events if isinstance(event, LogEvent)]
    return result.verdict, result.message, prints, [event for event in events if isinstance(event, OutputEvent)]


@pytest.mark.box
@pytest.mark.lab
def test_it_shows_prints_live_and_the_last_value_by_its_repr():
    verdict, message, prints, outputs = run("import sys\nprint('a')\nprint('b', file=sys.stderr)\n{'x': 1}")
    assert (verdict, message) == ("passed", "")
    assert sorted(prints) == ["err: b", "out: a"]
    assert [(output.kind, output.data) for output in outputs] == [("text", "{'x': 1}")]


@pytest.mark.box
@pytest.mark.lab
def test_it_runs_earlier_cells_of_the_session_silently():
    verdict, _, prints, outputs = run("print('first')\nx = 20\nx", "def twice(n): return 2 * n", "print(x)\ntwice(x)")
    assert (verdict, prints) == ("passed", ["out: 20"])
    assert [output.data for output in outputs] == ["40"]


@pytest.mark.box
@pytest.mark.lab
def test_it_shows_figures_of_this_cell_as_png_without_noise():
    plot = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\n"
    verdict, _, prints, outputs = run(plot, plot + "plt.title('t')")
    assert (verdict, prints) == ("passed", [])
    assert [output.kind for output in outputs] == ["png"]
    assert base64.b64decode(outputs[0].data).startswith(b"\x89PNG\r\n\x1a\n")


@pytest.mark.box
@pytest.mark.lab
def test_it_shows_tables_with_typed_entries():
    columns = "{'n': [1, 2], 'x': [0.5, float('nan')], 'h': ['<b>', None]}"
    verdict, message, _, outputs = run(f"import pandas as pd\npd.DataFrame({columns}, index=['a', 'b'])")
    assert (verdict, message) == ("passed", "")
    assert outputs[0].kind == "table"
    assert outputs[0].data["columns"] == ["index", "n", "x", "h"]
    assert outputs[0].data["rows"][0] == ["a", 1, 0.5, "<b>"]
    assert outputs[0].data["rows"][1][:3] == ["b", 2, "nan"]
    assert outputs[0].data["total"] == 2


@pytest.mark.box
@pytest.mark.lab
@pytest.mark.parametrize(
    ("sources", "verdict", "words"),
    [
        (["def f():\n    return 1 / 0", "f()"], "crashed", '"<cell 1>", line 2, in f'),
        (["x ="], "crashed", "SyntaxError"),
        (["import sys\nsys.exit(3)"], "crashed", "SystemExit"),
        (["import os\nos._exit(0)"], "crashed", "exited early"),
        (["import os\nos.write(3, b'x' * 100)"], "rejected", "malformed frame"),
        (["x = b'1'\nwhile True:\n    x += x"], "out_of_memory", "2048 MB"),
    ],
)
def test_it_says_how_a_cell_failed(sources, verdict, words):
    got, message, _, _ = run(*sources)
    assert got == verdict
    assert words in message
    assert "/opt/rankzero" not in message


@pytest.mark.box
@pytest.mark.lab
def test_it_stops_when_cancelled():
    result = run_cell(["while True: pass"], on_event=lambda event: None, cancelled=lambda: True)
    assert result.verdict == "cancelled"


@pytest.mark.parametrize("sources", [[], ["#" * 70_000]])
def test_it_refuses_nothing_and_too_much(sources):
    with pytest.raises(ValueError, match="a cell needs some code"):
        run_cell(sources, on_event=lambda event: None)


def test_it_sees_a_list_of_dicts_as_a_table_and_caps_it():
    table = cell.as_table([{"a": i, "b": "x" * 1000} for i in range(500)])
    assert table["columns"] == ["a", "b"]
    assert (len(table["rows"]), table["total"]) == (200, 500)
    assert table["rows"][3] == [3, "x" * 500]
    assert cell.as_table([1, 2]) is None
    assert cell.as_table([]) is None
