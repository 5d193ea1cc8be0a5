"""A judge that raises, hangs or eats memory, among submissions that are in order."""

from __future__ import annotations

import pytest

from tests.chaos.arena import Arena
from tests.chaos.crowd import Crowd
from tests.chaos.watcher import Watcher

pytestmark = [pytest.mark.box, pytest.mark.slow, pytest.mark.timeout(600)]
MOODS = ("raises", "hangs", "eats")


def test_judges_that_misbehave(arena: Arena, crowd: Crowd, many: int) -> None:
    with crowd.flowing(many) as flow:
        runs = {
            mood: crowd.learners[place].submit(
                flow, "91_chaos/moody", {"main.py": f"def mood():\n    return {mood!r}\n"}
            )
            for place, mood in enumerate(MOODS)
        }
        flow.wanted += len(MOODS)
        watchers = [Watcher(crowd.learners[place], run) for place, run in enumerate(runs.values())]
    rows = {row.id: row for row in arena.check(flow, watchers)}
    for mood, run in runs.items():
        assert (mood, rows[run].verdict, rows[run].tries) == (mood, "infra_error", 3)
    assert {row.verdict for row in rows.values() if row.id not in runs.values()} == {"passed"}
