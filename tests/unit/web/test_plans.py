"""Study plans: which day each step falls on, what is done, and what a learner can change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from itertools import combinations, pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from django.db import IntegrityError
from django.test import Client
from django.utils import timezone

from tests.unit.web.lessons import EXERCISE_ID, LESSON
from webapp.accounts.models import User
from webapp.catalog.models import Reading
from webapp.catalog.progress import ExerciseProgress
from webapp.learning import plans
from webapp.learning.models import PlanFeed, PlanStep, StudyPlan
from webapp.learning.plans_context import plan_draft
from webapp.learning.plans_forms import PlanForm, usual
from webapp.learning.plans_schedule import Frame, Task, heaviest_day, layout, minutes_a_day, pour, study_days
from webapp.learning.plans_steps import course_steps

NUMBERS = {number: f"{number:02}_lesson" for number in range(1, 11)}
TASKS = [
    Task(key=f"{slug}:{part}", lesson=slug, minutes=30 + 45 * part) for slug in NUMBERS.values() for part in range(5)
]
MONDAY = date(2027, 1, 4)
STARTS = [MONDAY + timedelta(days=offset) for offset in range(7)] + [date(2028, 2, 27), date(2027, 3, 27)]
SOME_WEEKDAYS = [frozenset(days) for size in (1, 2, 5, 7) for days in combinations(range(7), size)]
SeenAs = Callable[[User], Client]


def frame(kind: str, start: date = MONDAY, weekdays: frozenset[int] = frozenset(range(7)), **more: Any) -> Frame:
    return Frame(kind=kind, start=start, weekdays=weekdays, chosen=tuple(more.pop("chosen", ())), **more)


def days_of(placed: dict[str, Any], number: int) -> list[date]:
    found = [days for key, days in placed.items() if key.startswith(NUMBERS[number])]
    return [day for days in found for day in (days.begin, days.due)]


@pytest.mark.parametrize("start", STARTS, ids=str)
def test_the_eight_weeks_are_as_the_course_lists_them(start: date) -> None:
    for weekdays in SOME_WEEKDAYS:
        placed = layout(frame("part_time", start, weekdays, chosen=[NUMBERS[9]]), TASKS, NUMBERS)
        weeks = {n: {(day - start).days // 7 + 1 for day in days_of(placed, n)} for n in NUMBERS}
        assert weeks[1] <= {1, 2}
        assert {n: weeks[n] for n in range(2, 7)} == {2: {3}, 3: {4}, 4: {5}, 5: {6}, 6: {7}}
        assert (weeks[9], weeks[7], weeks[8], weeks[10]) == ({8}, set(), set(), set())


@pytest.mark.parametrize("start", STARTS, ids=str)
def test_the_two_weeks_and_the_three_days_are_as_the_course_lists_them(start: date) -> None:
    for weekdays in SOME_WEEKDAYS:
        two = layout(frame("full_time", start, weekdays), TASKS, NUMBERS)
        week = {n: {(day - start).days // 7 for day in days_of(two, n)} for n in NUMBERS}
        assert week == {n: {0 if n <= 5 else 1} for n in NUMBERS}
        three = layout(frame("intensive", start, weekdays, chosen=[NUMBERS[7], NUMBERS[9]]), TASKS, NUMBERS)
        first, second, third = (
            set().union(*(days_of(three, n) for n in part)) for part in ((1, 2, 3), (4, 5, 6), (7, 9))
        )
        assert len(first) == len(second) == len(third) == 1
        assert max(first) < max(second) < max(third)
        assert not days_of(three, 8)


@pytest.mark.parametrize("more", [{"end": MONDAY + timedelta(days=40)}, {"hours": 3}, {"hours": 80}], ids=str)
def test_every_plan_keeps_the_order_and_the_weekdays(more: dict[str, Any]) -> None:
    for weekdays in SOME_WEEKDAYS:
        placed = layout(frame("custom", weekdays=weekdays, chosen=NUMBERS.values(), **more), TASKS, NUMBERS)
        assert list(placed) == [task.key for task in TASKS]
        assert all(day.weekday() in weekdays for days in placed.values() for day in (days.begin, days.due))
        assert all(days.begin <= days.due for days in placed.values())
        assert all(a.begin <= b.begin and a.due <= b.due for a, b in pairwise(placed.values()))
        assert min(days.begin for days in placed.values()) >= MONDAY


def test_a_last_day_is_kept_and_hours_a_week_are_not_exceeded() -> None:
    end = MONDAY + timedelta(days=40)
    placed = layout(frame("custom", chosen=NUMBERS.values(), end=end), TASKS, NUMBERS)
    assert max(days.due for days in placed.values()) == end
    weekdays = frozenset([1, 3, 5])
    by_hours = layout(frame("custom", weekdays=weekdays, chosen=NUMBERS.values(), hours=6), TASKS, NUMBERS)
    last = max(days.due for days in by_hours.values())
    weeks = sum(task.minutes for task in TASKS) / 360
    assert weeks - 1 <= (last - MONDAY).days / 7 <= weeks + 1
    assert heaviest_day(TASKS, by_hours, weekdays)[1] <= 240  # 120 a day, and at most one step that reaches over


def test_a_window_without_a_study_day_still_has_one() -> None:
    placed = layout(frame("custom", weekdays=frozenset([6]), chosen=NUMBERS.values(), end=MONDAY), TASKS, NUMBERS)
    assert {days.due for days in placed.values()} == {MONDAY + timedelta(days=6)}


def test_pouring_at_a_plans_own_pace_takes_as_long_as_the_plan() -> None:
    weekdays = frozenset([0, 2, 4])
    placed = layout(frame("full_time", weekdays=weekdays), TASKS, NUMBERS)
    pace = minutes_a_day(TASKS, placed, weekdays)
    later = MONDAY + timedelta(days=21)
    moved = pour(TASKS, study_days(later, weekdays), pace)
    assert max(d.due for d in moved.values()) - later == max(d.due for d in placed.values()) - MONDAY


def form(kind: str, **changes: Any) -> PlanForm:
    return PlanForm(kind, {**usual(kind), **changes})


@pytest.mark.parametrize("kind", ["part_time", "full_time", "intensive", "custom"])
def test_the_usual_choices_are_valid(kind: str) -> None:
    assert form(kind).is_valid(), form(kind).errors


@pytest.mark.parametrize(
    ("kind", "changes", "field"),
    [
        ("full_time", {"weekdays": []}, "weekdays"),
        ("full_time", {"weekdays": ["7"]}, "weekdays"),
        ("full_time", {"start": "1027-01-01"}, "start"),
        ("full_time", {"start": "soon"}, "start"),
        ("full_time", {"time_zone": "Mars/Olympus"}, "time_zone"),
        ("full_time", {"time_zone": "../../etc/passwd"}, "time_zone"),
        ("part_time", {"lessons": ["01_distributed_training"]}, "lessons"),
        ("intensive", {"lessons": ["07_multimodal_systems"]}, "lessons"),
        ("custom", {"end": "2000-01-01", "hours_a_week": ""}, "end"),
        ("custom", {"end": "", "hours_a_week": ""}, "end"),
        ("custom", {"end": str(timezone.localdate()), "hours_a_week": "5"}, "end"),
        ("custom", {"hours_a_week": "500"}, "hours_a_week"),
        ("custom", {"lessons": []}, "lessons"),
    ],
)
def test_it_refuses_what_makes_no_plan(kind: str, changes: dict[str, Any], field: str) -> None:
    refused = form(kind, **changes)
    assert not refused.is_valid()
    assert field in refused.errors


def keep(user: User, kind: str = "custom", **changes: Any) -> StudyPlan:
    chosen = form(kind, **({"lessons": [LESSON], "hours_a_week": 1} if kind == "custom" else {}) | changes)
    assert chosen.is_valid(), chosen.errors
    return plans.plan_save(user=user, **chosen.fields_of_plan())


def states(user: User, today: date | None = None) -> dict[str, str]:
    plan = plans.plan_of(user)
    assert plan is not None
    steps = plans.plan_steps(plan, today or plans.plan_today(plan))
    return {step.key.removeprefix(f"{LESSON}:"): step.state for step in steps}


def test_steps_are_done_by_real_progress(learner: User, peer: User, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(learner)
    far = timezone.localdate() - timedelta(days=2)
    assert set(states(learner, far).values()) == {"next"}
    Reading.objects.create(user=learner, lesson=LESSON, sections=["theory-concepts"])
    Reading.objects.create(user=peer, lesson=LESSON, sections=["hands-on-implementation", "best-practices"])
    assert [key for key, state in states(learner, far).items() if state == "done"] == ["theory"]
    passed = {UUID(EXERCISE_ID): ExerciseProgress(passed=True, best=100)}
    monkeypatch.setattr("webapp.learning.plans_steps.progress_of", lambda user: passed)
    assert [key for key, state in states(learner, far).items() if state == "done"] == ["theory", EXERCISE_ID]


def test_it_offers_the_next_steps_in_order_and_nothing_without_a_plan(learner: User, peer: User) -> None:
    plan = keep(learner)
    keys = [step.key for step in plans.next_steps(learner)]
    assert keys == [f"{LESSON}:theory", f"{LESSON}:hands_on", f"{LESSON}:{EXERCISE_ID}"]
    plans.step_tick(plan=plan, key=keys[0], done=True)
    assert [step.key for step in plans.next_steps(learner, limit=1)] == [keys[1]]
    assert plans.next_steps(peer) == ()
    plans.plan_stop(plan=plan)
    assert plans.next_steps(learner) == ()


def test_moving_the_rest_leaves_nothing_late_and_what_is_done_alone(learner: User) -> None:
    plan = keep(learner, start=timezone.localdate() - timedelta(days=60))
    plans.step_tick(plan=plan, key=f"{LESSON}:theory", done=True)
    before = states(learner)
    assert before["theory"] == "done"
    assert "late" in before.values()
    today = plans.plan_today(plan)
    plans.plan_replan(plan=plan, today=today)
    steps = plans.plan_steps(plan, today)
    assert [step.state for step in steps].count("late") == 0
    open_steps = [step for step in steps if not step.done]
    assert all(step.begin >= today and step.due.weekday() in plan.weekdays for step in open_steps)
    assert next(step for step in steps if step.done).due < today
    assert [step.key for step in open_steps] == [f"{LESSON}:{part}" for part in ("hands_on", EXERCISE_ID, "beyond")]


def test_a_change_keeps_ticks_and_lets_go_of_moved_days(learner: User) -> None:
    plan = keep(learner)
    plans.step_tick(plan=plan, key=f"{LESSON}:theory", done=True)
    plans.step_move(plan=plan, key=f"{LESSON}:beyond", day=date(2027, 5, 5))
    assert date(2027, 5, 5) in [step.due for step in plans.plan_steps(plan, timezone.localdate())]
    again = keep(learner, hours_a_week=2)
    assert again.pk == plan.pk
    assert again.revision > 2  # saved, moved, saved
    assert states(learner)["theory"] == "done"
    assert date(2027, 5, 5) not in [step.due for step in plans.plan_steps(again, timezone.localdate())]


def test_a_lesson_that_comes_out_takes_the_days_that_its_place_was_given(learner: User) -> None:
    plan = keep(learner)
    PlanStep.objects.create(plan=plan, key=LESSON, begins=date(2027, 6, 1), due=date(2027, 6, 3))
    assert {step.begin for step in plans.plan_steps(plan, MONDAY)} == {date(2027, 6, 1)}


def test_one_plan_is_in_use_and_the_others_are_history(learner: User) -> None:
    keep(learner)
    with pytest.raises(IntegrityError):
        StudyPlan.objects.create(user=learner, kind="custom", start=MONDAY, time_zone="UTC")


def test_a_stopped_plan_stays_and_the_next_one_counts_on(learner: User) -> None:
    first = keep(learner)
    plans.plan_stop(plan=first)
    second = keep(learner)
    assert second.pk != first.pk
    assert second.revision > first.revision
    assert StudyPlan.objects.filter(user=learner).count() == 2
    assert PlanFeed.objects.filter(user=learner).count() == 1


def test_a_draft_says_what_speaks_against_it(learner: User) -> None:
    crammed = form("intensive")
    assert crammed.is_valid()
    draft = plan_draft(learner, crammed.fields_of_plan())
    assert len(draft.groups) == 3
    assert any("fullest day" in warning for warning in draft.warnings)
    assert any("in preparation" in warning for warning in draft.warnings)
    light = form("custom", lessons=[LESSON])
    assert light.is_valid()
    assert plan_draft(learner, light.fields_of_plan()).warnings == ()
    gap = form("custom", lessons=["02_peft_techniques"], hours_a_week=2)
    assert gap.is_valid()
    assert any(
        "builds on Distributed Training" in warning for warning in plan_draft(learner, gap.fields_of_plan()).warnings
    )


def test_lessons_in_preparation_are_shown_as_such(learner: User) -> None:
    plan = keep(learner, "full_time")
    planned = [step for step in plans.plan_steps(plan, date(2099, 1, 1)) if step.state == "planned"]
    expected = [step.key for step in course_steps() if step.planned and step.key != "capstone"]
    assert [step.key for step in planned] == expected
    assert expected
    assert all(step.state != "planned" for step in plans.next_steps(learner, limit=100))
    with pytest.raises(Exception, match="in preparation"):
        plans.step_tick(plan=plan, key=expected[0], done=True)


def choices(kind: str, **changes: Any) -> dict[str, Any]:
    return {"kind": kind, **{key: value for key, value in usual(kind).items() if value is not None}, **changes}


def test_from_a_card_to_a_kept_plan_without_script(learner: User, as_user: SeenAs) -> None:
    client = as_user(learner)
    page = client.get("/plan/").content.decode()
    assert page.count('class="panel plan-card"') == 4
    draft = client.get("/plan/new/?kind=part_time").content.decode()
    assert "Week 8" in draft
    assert StudyPlan.objects.count() == 0
    shown = client.post("/plan/new/", choices("part_time", action="preview", start="2027-01-04"))
    assert "4 Jan" in shown.content.decode()
    assert StudyPlan.objects.count() == 0
    kept = client.post("/plan/new/", choices("part_time", action="save"), follow=True)
    assert "Your plan is kept." in kept.content.decode()
    assert kept.redirect_chain[-1][0] == "/plan/"
    assert StudyPlan.objects.get().kind == "part_time"


def test_a_refused_form_shows_why_and_keeps_what_was_typed(learner: User, as_user: SeenAs) -> None:
    refused = as_user(learner).post("/plan/new/", choices("custom", action="save", time_zone="Nowhere/At-all"))
    assert refused.status_code == 422
    assert "This is no time zone" in refused.content.decode()
    assert "Nowhere/At-all" in refused.content.decode()
    assert as_user(learner).get("/plan/new/?kind=<script>").status_code == 302
    assert StudyPlan.objects.count() == 0


def test_a_visitor_takes_the_choices_along_to_the_sign_in(client: Client, learner: User, as_user: SeenAs) -> None:
    assert client.get("/plan/").status_code == 200
    sent = client.post("/plan/new/", choices("custom", action="save", hours_a_week="9", lessons=[LESSON]))
    assert sent.status_code == 302
    back = parse_qs(urlsplit(sent["Location"]).query)["next"][0]
    page = as_user(learner).get(back).content.decode()
    assert 'name="hours_a_week" value="9"' in page
    assert "csrf" not in back
    assert StudyPlan.objects.count() == 0


def test_ticks_moves_and_stops_are_the_owners(learner: User, peer: User, client: Client, as_user: SeenAs) -> None:
    keep(learner)
    key = f"{LESSON}:theory"
    assert client.post("/plan/step/", {"key": key, "action": "tick"}).status_code == 302
    assert as_user(peer).post("/plan/step/", {"key": key, "action": "tick"}).status_code == 404
    assert PlanStep.objects.count() == 0
    mine = as_user(learner)
    assert mine.post("/plan/step/", {"key": key, "action": "tick"})["Location"] == f"/plan/#step-{LESSON}-theory"
    assert states(learner)["theory"] == "done"
    mine.post("/plan/step/", {"key": key, "action": "untick"})
    assert states(learner)["theory"] != "done"
    mine.post("/plan/step/", {"key": key, "action": "move", "day": "2027-09-09"})
    assert PlanStep.objects.get(key=key).due == date(2027, 9, 9)
    for wrong in ({"key": key, "action": "move", "day": "x"}, {"key": "no:such", "action": "tick"}, {"key": key}):
        answer = mine.post("/plan/step/", wrong, follow=True)
        assert 'class="message error"' in answer.content.decode()
    assert PlanStep.objects.count() == 1
    assert mine.get("/plan/step/").status_code == 405
    mine.post("/plan/stop/")
    assert plans.plan_of(learner) is None


def test_a_page_takes_the_same_queries_whatever_the_plan(
    learner: User, as_user: SeenAs, django_assert_max_num_queries: Any
) -> None:
    client = as_user(learner)
    keep(learner)
    client.get("/plan/")
    with django_assert_max_num_queries(14) as small:
        client.get("/plan/")
    plan = keep(learner, "full_time")
    plans.plan_replan(plan=plan, today=timezone.localdate())
    with django_assert_max_num_queries(14) as large:
        client.get("/plan/")
    assert len(small.captured_queries) == len(large.captured_queries)
