"""The document of `bench watchers` as aligned tables for a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sandbox.bench.report import goal_lines, head_lines, table

_HEAD = ["viewers", "p50 ms", "p95 ms", "p99 ms", "max ms", "lines each", "frames each", "reads", "CPU", "KiB each"]


def lines(document: dict[str, Any]) -> Iterator[str]:
    yield from head_lines(document)
    yield ""
    yield f"A run that writes {document['lines_per_s']} lines a second for {document['seconds']} s"
    yield from table(_HEAD, [_row(case) for case in document["cases"]])
    yield "Delay: from LiveLog.add to the viewer's receipt. Reads: of the stream while the run was busy, by the whole"
    yield "site. CPU: of one core, by the web process. KiB each: its memory for a connected viewer."
    yield ""
    yield from goal_lines(document["goals"])


def _row(case: dict[str, Any]) -> list[str]:
    count = case["viewers"]
    return [
        str(count),
        *(f"{case['delay_ms'][name]:.1f}" for name in ("p50", "p95", "p99", "max")),
        f"{case['lines_received'] / count:.0f}",
        f"{case['frames'] / count:.0f}",
        str(case["stream_reads"]),
        f"{case['web_cpu_share']:.0%}",
        f"{case['memory_kib_per_viewer']:.0f}",
    ]
