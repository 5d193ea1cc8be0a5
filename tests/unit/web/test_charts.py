"""A metric over runs as a drawing: every point and mark inside it, the good side where the good side is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lessons.schema import Manifest, MetricSpec
from webapp.submissions.charts import Measured, metric_chart, metric_charts, zone_of
from webapp.submissions.contexts_history import MetricChart

NOW = datetime(2026, 1, 1, tzinfo=UTC)
VALUES = st.floats(min_value=-1e9, max_value=1e9, allow_nan=False)


def spec(direction: str = "lower", name: str = "loss") -> MetricSpec:
    given = {"name": name, "unit": "nats", "direction": direction, "means": "It.", "pass": {"cpu": 2.0}}
    return MetricSpec.model_validate(given | {"distinction": {"cpu": 1.0 if direction == "lower" else 3.0}})


def run(value: float, name: str = "loss", passed: bool | None = True) -> Measured:
    result: dict[str, Any] = {"name": name, "value": value, "passed": passed}
    return Measured(url=f"/runs/{value}/", created_at=NOW, metrics=(result,))


def chart(*values: float, direction: str = "lower", tier: str = "cpu") -> MetricChart:
    found = metric_chart([run(value) for value in values], spec(direction), tier)
    assert found is not None
    return found


@given(st.lists(VALUES, min_size=1, max_size=40), st.sampled_from(["lower", "higher"]))
def test_everything_lies_in_the_drawing(values: list[float], direction: str) -> None:
    found = chart(*values, direction=direction)
    assert len(found.points) == len(values)
    assert len(found.lines) == len(values) - 1
    places = [at for point in found.points for at in (point.x, point.y)]
    places += [at for at in (found.threshold_at, found.distinction_at) if at is not None]
    assert all(0 <= at <= 100 for at in places)
    assert [point.x for point in found.points] == sorted(point.x for point in found.points)
    for zone in (found.zone, found.best_zone):
        assert zone is not None
        assert 0 <= zone[0] <= zone[0] + zone[1] <= 100.01


def test_lower_is_below_and_its_zone_reaches_down() -> None:
    found = chart(4.0, 0.5)
    assert found.points[0].y < found.points[1].y
    assert found.threshold_at is not None
    assert found.points[0].y < found.threshold_at < found.points[1].y
    assert found.zone == (found.threshold_at, round(100 - found.threshold_at, 2))
    assert zone_of(30.0, "higher") == (0.0, 30.0)
    assert zone_of(None, "higher") is None
    assert [point.is_distinction for point in found.points] == [False, True]


def test_the_sentence_says_what_the_drawing_shows() -> None:
    assert chart(4.0, 0.5, 3.0).summary == "3 runs. Last 3 nats, best 0.5 nats. To pass: at most 2."
    assert chart(4.0, 0.5, direction="higher").summary == "2 runs. Last 0.5 nats, best 4 nats. To pass: at least 2."
    assert chart(4.0, tier="smoke").summary == "1 run. Last 4 nats, best 4 nats."
    assert chart(4.0, tier="smoke").zone is None


def test_what_the_exercise_measures_no_more_is_not_drawn() -> None:
    base = {
        "schema": 1,
        "id": "5c0ff8a8-32a4-4c0d-9f1c-2f86fbb3e9a1",
        "title": "T",
        "summary": "S",
        "minutes": 1,
        "difficulty": 1,
        "points": 1,
        "protocol": "call",
        "entry": "a.py",
        "files": {"editable": ["a.py"]},
        "tiers": {"cpu": {"seconds": 1}},
        "check": [{"name": "works", "means": "It."}],
        "metric": [{"name": name, "unit": "", "direction": "lower", "means": "It."} for name in ("loss", "speed")],
    }
    manifest = Manifest.model_validate(base)
    found = metric_charts([run(1, "loss"), run(2, "gone"), run(3, "loss")], manifest, "cpu")
    assert [(one.name, len(one.points)) for one in found] == [("loss", 2)]
    assert metric_charts([], manifest, "cpu") == ()
