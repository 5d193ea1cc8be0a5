"""What content files may say."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from pydantic import ValidationError

from lessons.schema import CourseFile, Expectation, FrontMatter, Manifest, Quiz, is_safe_path

GOOD: dict[str, Any] = {
    "schema": 1,
    "id": "5f0c8f7e-4b0a-4a55-9d0f-8c1f9a1f0009",
    "title": "T",
    "summary": "S",
    "minutes": 1,
    "difficulty": 1,
    "points": 1,
    "protocol": "call",
    "entry": "a.py",
    "files": {"editable": ["a.py"], "readonly": ["b.py"]},
    "limits": {"memory_mb": 100, "wall_s": 10},
    "tiers": {"smoke": {"seconds": 1, "sizes": {"n": 3}}, "cpu": {"seconds": 1, "limits": {"wall_s": 99}}},
    "metric": [
        {"name": "m", "unit": "s", "direction": "lower", "means": "M", "pass": {"cpu": 2}},
        {"name": "shown", "unit": "s", "direction": "lower", "means": "S", "provenance": "reported"},
    ],
    "check": [{"name": "c", "means": "C"}],
    "hint": [{"when": "m", "text": "H", "above": 1}],
}


def manifest(path: str, value: Any) -> dict[str, Any]:
    """GOOD with one place changed; an index is a number."""
    data = copy.deepcopy(GOOD)
    target: Any = data
    *parents, last = path.split(".")
    for name in parents:
        target = target[int(name)] if name.isdigit() else target[name]
    target[last] = value
    return data


def test_it_reads_a_good_manifest_and_merges_limits():
    read = Manifest.model_validate(GOOD)
    assert read.limits_for("smoke").wall_s == 10
    assert read.limits_for("cpu").wall_s == 99
    assert read.limits_for("cpu").memory_mb == 100
    assert read.limits_for("smoke").judge_seconds == 90
    assert read.metric[0].passing == {"cpu": 2}


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("colour", "red", "Extra inputs"),
        ("limits.swap", 1, "Extra inputs"),
        ("metric.0.passes", {}, "Extra inputs"),
        ("schema", 2, "Input should be 1"),
        ("id", "not-a-uuid", "valid UUID"),
        ("title", "", "at least 1 character"),
        ("difficulty", 6, "less than or equal to 5"),
        ("protocol", "pickle", "'call', 'train', 'serve' or 'artifact'"),
        ("entry", "c.py", "entry 'c.py' is in neither"),
        ("files.editable", [], "at least 1 item"),
        ("files.editable", ["../a.py"], "not a plain relative path"),
        ("files.readonly", ["a.py"], "named twice"),
        ("tiers", {}, "at least 1 item"),
        ("tiers.tpu", {"seconds": 1}, "'smoke', 'cpu' or 'gpu'"),
        ("tiers.gpu", {"seconds": 0}, "greater than 0"),
        ("metric.0.pass", {"gpu": 1}, "which has no \\[tiers.gpu\\]"),
        ("metric.0.pass", {"cpu": float("nan")}, "finite"),
        ("metric.0.name", "No Spaces", "pattern"),
        ("metric.0.name", "passed", "is a verdict"),
        ("check.0.name", "m", "declared twice"),
        ("hint.0.when", "unheard", "no metric, check or verdict"),
        ("hint.0.below", 1, "no value is above 1 and below 1"),
        ("hint.0.equals", 1, "equals stands alone"),
        ("hint.0.within", 0.1, "within belongs to equals"),
        ("hint.0.when", "shown", "which no tier grades: it is never shown"),
        ("metric.0.distinction", {"cpu": 2.5}, "distinction 2.5 asks less than pass 2"),
        ("metric.0.ceiling", {"cpu": 3}, "ceiling 3 asks less than pass 2"),
        ("metric.0.provenance", "believed", "'observed', 'recomputed', 'instrumented' or 'reported'"),
        (
            "metric.0.provenance",
            "reported",
            "'m' is the program's own word .reported.: it can be shown, but have no pass",
        ),
        ("metric.0.provenance", "instrumented", "tier 'cpu' must also grade an observed or recomputed metric"),
        ("metric.1.ceiling", {"cpu": 3}, "'shown' is the program's own word .reported.: .* have no ceiling"),
        ("hint.0.when", "c", "above, below, equals and {value} are for metrics"),
    ],
)
def test_it_refuses(path, value, message):
    with pytest.raises(ValidationError, match=message):
        Manifest.model_validate(manifest(path, value))


def graded(name, provenance, **passing):
    return {"name": name, "unit": "", "direction": "higher", "means": "M", "provenance": provenance, "pass": passing}


def test_it_grades_an_instrumented_metric_only_beside_a_trusted_one_of_the_same_tier():
    beside = [graded("counted", "instrumented", cpu=1), graded("m", "observed", cpu=1)]
    assert Manifest.model_validate(manifest("metric", beside)).metric[0].provenance == "instrumented"
    elsewhere = [graded("counted", "instrumented", cpu=1, smoke=1), graded("m", None, cpu=1)]
    with pytest.raises(ValidationError, match="tier 'smoke' must also grade"):
        Manifest.model_validate(manifest("metric", elsewhere))
    only_best = [{**graded("counted", "instrumented"), "distinction": {"smoke": 1}}, graded("m", None, cpu=1)]
    with pytest.raises(ValidationError, match="tier 'smoke' must also grade"):
        Manifest.model_validate(manifest("metric", only_best))


def test_it_wants_thresholds_in_order_in_both_directions():
    good = {"smoke": 1, "cpu": 2}
    rising = {**graded("m", None, **good), "distinction": {"cpu": 2}, "ceiling": {"cpu": 9, "smoke": 1}}
    assert Manifest.model_validate(manifest("metric", [rising])).metric[0].ceiling == {"cpu": 9, "smoke": 1}
    with pytest.raises(ValidationError, match="tier 'smoke': ceiling 0 asks less than pass 1"):
        Manifest.model_validate(manifest("metric", [rising | {"ceiling": {"smoke": 0}}]))
    with pytest.raises(ValidationError, match="tier 'cpu': distinction 2 asks less than pass 3"):
        Manifest.model_validate(manifest("metric", [{**rising, "pass": {"cpu": 3}}]))


def test_it_refuses_a_tier_that_grades_nothing():
    ungraded = manifest("check", []) | {"hint": []}
    with pytest.raises(ValidationError, match="tier 'smoke' grades nothing"):
        Manifest.model_validate(ungraded)
    with pytest.raises(ValidationError, match="at least one"):
        Manifest.model_validate(ungraded | {"metric": []})


def test_it_reports_all_that_does_not_fit_at_once():
    bad = manifest("entry", "zzz.py") | {"hint": [{"when": "unheard", "text": "H"}]}
    with pytest.raises(ValidationError, match=r"zzz\.py.*unheard"):
        Manifest.model_validate(bad)


@pytest.mark.parametrize("name", ["a.py", "pkg/mod_1.py", "data-2.txt", "A.B.c"])
def test_it_takes_plain_paths(name):
    assert is_safe_path(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/a",
        "a/",
        "a//b",
        "..",
        "../a",
        "a/../b",
        ".hidden",
        "a/.b",
        "a b",
        "a\n",
        "a\0b",
        "ä.py",
        "a\u202egpj",
        "x" * 201,
    ],
)
def test_it_refuses_odd_paths(name):
    assert not is_safe_path(name)


def test_it_refuses_wrong_submissions_that_would_pass():
    good = {"verdict": "failed", "caught_by": "m", "why": "w", "kind": "cheat"}
    assert Expectation.model_validate(good).tier == "smoke"
    for verdict in ("passed", "cancelled", "infra_error", "great"):
        with pytest.raises(ValidationError):
            Expectation.model_validate(good | {"verdict": verdict})


def test_it_wants_a_course_in_order():
    first = {"slug": "01_a", "title": "A", "level": "beginner"}
    second = {"slug": "02_b", "title": "B", "level": "advanced", "requires": ["01_a"]}
    assert len(CourseFile.model_validate({"lesson": [first, second]}).lesson) == 2
    with pytest.raises(ValidationError, match="must be listed before it"):
        CourseFile.model_validate({"lesson": [second, first]})
    with pytest.raises(ValidationError, match="listed twice"):
        CourseFile.model_validate({"lesson": [first, first]})


def test_it_wants_front_matter_complete():
    good = {"title": "T", "level": "advanced", "summary": "S", "hours": 2}
    assert FrontMatter.model_validate(good).requires == []
    for change in ({"level": "expert"}, {"hours": 0}, {"author": "x"}):
        with pytest.raises(ValidationError):
            FrontMatter.model_validate(good | change)


@pytest.mark.parametrize(
    "change",
    [{"answer": 2}, {"answer": 0.5}, {"options": ["one"]}, {"kind": "numeric"}, {"tolerance": -1}, {"id": "Big"}],
)
def test_it_wants_quizzes_that_can_be_answered(change):
    good = {"id": "q", "kind": "choice", "question": "?", "options": ["a", "b"], "answer": 1, "explanation": "e"}
    assert Quiz.model_validate(good).answer == 1
    with pytest.raises(ValidationError):
        Quiz.model_validate(good | change)


@pytest.mark.parametrize(
    ("confirm", "distinction", "tiers"),
    [(False, {}, []), (True, {}, ["cpu"]), (False, {"cpu": 0.1}, ["cpu"]), (False, {"smoke": 0.1}, [])],
)
def test_a_distinction_or_a_wish_asks_for_a_second_run_above_smoke(confirm, distinction, tiers):
    metric = {"name": "m", "unit": "", "direction": "lower", "means": "m", "pass": {"smoke": 1, "cpu": 1}}
    changes = {"confirm": confirm, "metric": [{**metric, "distinction": distinction}], "check": [], "hint": []}
    tiers_of_all = {"smoke": {"seconds": 1}, "cpu": {"seconds": 1}}
    found = Manifest.model_validate({**GOOD, **changes, "tiers": tiers_of_all})
    assert [tier for tier in found.tiers if found.confirms(tier)] == tiers
