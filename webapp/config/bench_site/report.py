"""The document of `bench site` as aligned tables for a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sandbox.bench.report import goal_lines, head_lines, table

_HEAD = ["page", "requests/s", "of the bare view", "p50 ms", "p99 ms", "CPU ms", "of the bare view", "queries"]


def lines(document: dict[str, Any]) -> Iterator[str]:
    yield from head_lines(document)
    yield ""
    yield "Rows: " + ", ".join(f"{count:,} {name}" for name, count in document["rows"].items())
    yield (
        f"{document['people']} people, each asking again as soon as the page came; "
        f"{document['rounds']} rounds of {document['seconds']:g} s a page, in turns"
    )
    yield from table(_HEAD, [_row(page) for page in document["pages"]])
    yield f"The load generator took at most {document['generator_share']:.0%} of a core"
    yield ""
    yield from goal_lines(document["goals"])


def _row(page: dict[str, Any]) -> list[str]:
    return [
        page["name"],
        f"{page['rate']:.1f}",
        f"{page['share_of_bare']:.2f}",
        f"{page['p50_ms']:.1f}",
        f"{page['p99_ms']:.1f}",
        f"{page['cpu_ms']:.1f}",
        f"{page['times_bare_cpu']:.1f}x",
        str(page["queries"]),
    ]
