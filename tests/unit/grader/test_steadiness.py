"""`bench grade`: its figures, and a short version of what it shows."""

from __future__ import annotations

import json
import os

import psutil
import pytest

from grader import MetricResult, Report, Usage
from grader.bench_grade.goals import goals
from grader.bench_grade.neighbour import busy_neighbour
from grader.bench_grade.overhead import PHASES, Overhead, percentile
from grader.bench_grade.report import lines
from grader.bench_grade.steadiness import CannotMeasure, Series, Submission, grade_steadily, submissions, variation
from grader.bench_grade.suite import OURS
from lessons.loader import load_course
from sandbox.boxd.private import boxd_at_hand

_HELD = ("twice_as_fast", "nothing", "plain_server")


def ours(slug: str) -> list[Submission]:
    exercise = load_course([OURS]).exercise("90_steadiness", slug)
    assert exercise is not None
    return submissions(exercise)


def report(verdict: str = "passed", **values: float) -> Report:
    metrics = [
        MetricResult.model_validate(
            {
                "name": name, "value": value, "unit": "x", "direction": "higher", "samples": 5,
                "ci95": None, "threshold": None, "passed": None, "provenance": "observed",
            }
        )
        for name, value in values.items()
    ]  # fmt: skip
    usage = Usage(wall_s=1.0, cpu_s=1.0, peak_memory_bytes=1)
    return Report(
        exercise="90_steadiness/twice_as_fast", tier="smoke", verdict=verdict, score=1.0, metrics=metrics, checks=[],
        usage=usage, seed=1, log_tail=[], hints=[], distinction=False, message="",
    )  # fmt: skip


def series(*reports: Report, condition: str = "quiet") -> Series:
    found = Series(submission=ours("twice_as_fast")[0], tier="smoke", condition=condition)
    found.reports.extend(reports)
    return found


def test_the_exercises_are_in_order():
    course = load_course([OURS])
    assert course.errors == ()
    assert sorted(exercise.slug for exercise in course.lessons[0].exercises) == sorted(_HELD)


def test_variation_is_the_standard_deviation_over_the_mean():
    assert variation([9.0, 10.0, 11.0]) == pytest.approx(0.1)
    assert variation([5.0, 5.0]) == 0.0
    assert variation([5.0]) is None
    assert variation([-1.0, 1.0]) is None


def test_a_flip_is_a_verdict_other_than_the_expected_one():
    found = series(report(speedup=2.0), report("failed", speedup=1.4), report(speedup=2.2))
    assert found.flips == 1
    assert found.as_json()["verdicts"] == {"passed": 2, "failed": 1}
    assert found.as_json()["metrics"]["speedup"]["cv_percent"] == pytest.approx(22.3, abs=0.1)
    assert series(report(speedup=2.0), report(speedup=2.2)).flips == 0


def test_percentiles_are_values_that_were_measured():
    values = [float(number) for number in range(1, 21)]
    assert percentile(values, 0.95) == 19.0
    assert percentile(values, 0.5) == 10.0
    assert percentile([7.0], 0.95) == 7.0


def overhead(*whole_ms: float) -> Overhead:
    found = Overhead()
    for milliseconds in whole_ms:
        ended = 100.0 + milliseconds / 1000
        values = {"began_s": 100.02, "load_ms": 30.0, "call_ms": 1.0, "answered_s": 100.051}
        found.add(100.0, report(**values), ended)
    return found


def test_the_phases_of_a_run_add_up_to_the_whole():
    found = overhead(110.0)
    assert sum(found.phases[name][0] for name in PHASES) == pytest.approx(found.whole[0])
    assert found.phases["to_the_judge"][0] == pytest.approx(20.0)
    assert found.phases["finish"][0] == pytest.approx(59.0)


def test_a_run_that_did_not_pass_has_no_overhead():
    with pytest.raises(CannotMeasure, match="ended as failed"):
        Overhead().add(0.0, report("failed"), 1.0)


def document(*, quiet: tuple[float, ...], busy: tuple[float, ...], whole_ms: float, share: float) -> dict:
    measured = [
        series(*(report(speedup=value) for value in quiet)).as_json(),
        series(*(report(speedup=value) for value in busy), condition="busy").as_json(),
    ]
    costs = {"ready_judge": overhead(whole_ms).as_json(), "new_judge": overhead(900.0).as_json()}
    costs["judge_start"] = costs["new_judge"]["whole"]
    loads = [series(report(generator_share=share)).as_json()]
    return {
        "date": "2026-01-01T00:00:00+00:00",
        "machine": {
            "cpu": "c", "cores": 2, "memory_mib": 1, "system": "s", "accounting": "cgroup2", "uid": 1000,
        },
        "load_average_1m": {"before": 0.0, "after": 0.0},
        "versions": {"python": "3.11"},
        "steadiness": measured, "overhead": costs, "load_generator": loads,
        "goals": [goal.as_json() for goal in goals(measured, costs, loads)],
    }  # fmt: skip


def test_goals_are_met_by_steady_figures_and_missed_by_others():
    steady = document(quiet=(2.0, 2.01), busy=(2.0, 2.05), whole_ms=120.0, share=0.2)
    assert [goal["met"] for goal in steady["goals"]] == [True] * 6
    shaky = document(quiet=(2.0, 2.2), busy=(2.0, 2.4), whole_ms=320.0, share=0.4)
    assert [goal["met"] for goal in shaky["goals"]] == [False, False, True, False, False, False]


def test_the_document_is_json_and_a_person_can_read_it():
    found = document(quiet=(2.0, 2.2), busy=(2.0, 2.05), whole_ms=120.0, share=0.2)
    json.dumps(found, allow_nan=False)
    text = "\n".join(lines(found))
    assert "variation of CPU-time ratios, quiet" in text
    assert "MISSED" in text
    assert "box started, module loaded" in text


def test_the_neighbour_is_busy_on_every_core_and_gone_afterwards():
    with busy_neighbour() as pids:
        assert {tuple(psutil.Process(pid).cpu_affinity()) for pid in pids} == {
            (core,) for core in os.sched_getaffinity(0)
        }
        first = [sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids]
        psutil.Process(pids[0]).cpu_percent(0.5)
        assert all(sum(psutil.Process(pid).cpu_times()[:2]) > before for pid, before in zip(pids, first, strict=True))
    assert not any(psutil.pid_exists(pid) for pid in pids)


@pytest.mark.alone
@pytest.mark.slow
@pytest.mark.box
@pytest.mark.lab
@pytest.mark.parametrize("number", [0, 1])
def test_a_busy_neighbour_flips_no_verdict(number):
    """The solution, and the wrong one that is as slow as the baseline: each keeps its verdict beside a neighbour."""
    submission = ours("twice_as_fast")[number]
    with boxd_at_hand(), busy_neighbour():
        verdicts = [grade_steadily(submission, "smoke")[0].verdict for _ in range(2)]
    assert verdicts == [submission.expected] * 2
    assert submission.expected == ("passed", "failed")[number]
