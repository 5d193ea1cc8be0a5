"""A judge that raises, hangs or eats memory, among submissions that are in order."""

from __future__ import annotations

import pytest

from tests.chaos import truth
from tests.chaos.arena import Arena
from tests.chaos.crowd import Crowd, Flow
from tests.chaos.watcher import Watcher

pytestmark = [pytest.mark.box, pytest.mark.slow, pytest.mark.timeout(600)]
MOODS = ("raises", "hangs", "eats")
MOODY = "91_chaos/moody"


def in_mood(mood: str) -> dict[str, str]:
    return {"main.py": f"def mood():\n    return {mood!r}\n"}


def test_judges_that_misbehave(arena: Arena, crowd: Crowd, many: int) -> None:
    with crowd.flowing(many) as flow:
        runs = {mood: crowd.learners[place].submit(flow, MOODY, in_mood(mood)) for place, mood in enumerate(MOODS)}
        watchers = [Watcher(crowd.learners[place], run) for place, run in enumerate(runs.values())]
    rows = {row.id: row for row in arena.check(flow, watchers)}
    for mood, run in runs.items():
        assert (mood, rows[run].verdict, rows[run].tries) == (mood, "infra_error", 3)
    assert {row.verdict for row in rows.values() if row.id not in runs.values()} == {"passed"}


def test_our_fault_costs_no_attempt(arena: Arena, crowd: Crowd) -> None:
    """A class allows one attempt: the judge's fault leaves it, a verdict about the program uses it up."""
    arena.manage("cohorts", "create", "Chaos", "--slug", "chaos")
    arena.manage("cohorts", "enrol", "chaos", "bench19")
    arena.manage("cohorts", "cap", "chaos", MOODY, "1")
    learner = crowd.learners[19]
    verdicts = []
    for mood in ("raises", "well"):
        flow = Flow()
        learner.submit(flow, MOODY, in_mood(mood), tier="cpu")
        verdicts.append(arena.check(flow)[0].verdict)
    assert verdicts == ["infra_error", "passed"]
    refused = learner.post(MOODY, in_mood("well"), "cpu")
    assert (refused.status_code, "attempt" in refused.text) == (422, True)
    assert truth.attempts(truth.read_runs(arena.state)) == {"bench19": 1}
