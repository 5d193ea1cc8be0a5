"""The calendar of a study plan, held against RFC 5545 and against whoever should not read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from icalendar import Calendar, Event

from tests.unit.web.lessons import LESSON
from webapp.accounts.models import User
from webapp.learning import ics, plans
from webapp.learning.models import PlanFeed, StudyPlan

ADDRESS = "https://learn.example.org"
HOSTILE = "a, b; c\\d \N{SNOWMAN}" * 9 + "\r\nATTENDEE:mailto:eve@example.org\r\nEND:VEVENT\x00\x07\x1b[31m\u2028x"
SeenAs = Callable[[User], Client]


@pytest.fixture
def plan(learner: User) -> StudyPlan:
    return make_plan(learner)


def make_plan(user: User, **changes: Any) -> StudyPlan:
    fields: dict[str, Any] = {
        "kind": "custom",
        "start": timezone.localdate(),
        "weekdays": [0, 1, 2, 3, 4, 5, 6],
        "lessons": [LESSON, "01_distributed_training", "03_model_optimization"],
        "end": None,
        "hours_a_week": 5,
        "time_of_day": None,
        "time_zone": "Europe/Berlin",
    }
    return plans.plan_save(user=user, **(fields | changes))


def read(content: bytes) -> tuple[Calendar, list[Event]]:
    """Parsed, after the rules that a lenient parser would let pass."""
    assert content.endswith(b"END:VCALENDAR\r\n")
    lines = content[:-2].split(b"\r\n")
    assert all(b"\n" not in line and b"\r" not in line for line in lines)
    assert all(len(line) <= 75 for line in lines)
    assert not any(byte < 32 and byte != 9 for line in lines for byte in line)
    content.decode()
    calendar = Calendar.from_ical(content)
    assert isinstance(calendar, Calendar)
    calendar.validate()
    return calendar, calendar.events


def feed_path(user: User) -> str:
    return f"/plan/feed/{PlanFeed.objects.get(user=user).token}.ics"


def test_it_is_a_calendar_with_one_event_for_each_step_that_is_out(plan: StudyPlan) -> None:
    calendar, events = read(ics.plan_calendar(plan, address=ADDRESS))
    assert (calendar["VERSION"], calendar["METHOD"]) == ("2.0", "PUBLISH")
    steps = [step for step in plans.plan_steps(plan, plans.plan_today(plan)) if step.state != "planned"]
    assert [event["UID"].partition("-")[2].partition("-")[2] for event in events] == [
        f"{s.key}@rankzero" for s in steps
    ]
    assert [event.start for event in events] == [step.due for step in steps]
    assert all(event.end - event.start == timedelta(days=1) for event in events)
    assert all({"DTSTAMP", "SEQUENCE", "LAST-MODIFIED", "STATUS"} <= set(event) for event in events)
    assert events[0]["URL"] == f"{ADDRESS}{steps[0].url}"


def test_identities_stay_and_the_sequence_grows(plan: StudyPlan) -> None:
    before = {event["UID"]: event for event in read(ics.plan_calendar(plan, address=ADDRESS))[1]}
    plans.plan_replan(plan=plan, today=plans.plan_today(plan) + timedelta(days=9))
    plan.refresh_from_db()
    after = {event["UID"]: event for event in read(ics.plan_calendar(plan, address="https://moved.example.net"))[1]}
    assert before.keys() == after.keys()
    assert len(before) == len(after) > 4
    assert all(after[uid]["SEQUENCE"] > before[uid]["SEQUENCE"] for uid in before)
    assert all(after[uid].start > before[uid].start for uid in before)
    assert all(after[uid]["LAST-MODIFIED"].dt >= before[uid]["LAST-MODIFIED"].dt for uid in before)


def test_the_same_plan_gives_the_same_bytes(plan: StudyPlan) -> None:
    assert ics.plan_calendar(plan, address=ADDRESS) == ics.plan_calendar(plan, address=ADDRESS)


def test_hostile_titles_stay_text(plan: StudyPlan, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = plans.plan_steps(plan, plans.plan_today(plan))
    hostile = tuple(replace(step, title=HOSTILE, lesson_title=HOSTILE) for step in steps)
    monkeypatch.setattr(ics, "plan_steps", lambda plan, today: hostile)
    events = read(ics.plan_calendar(plan, address=ADDRESS))[1]
    assert len(events) == sum(step.state != "planned" for step in steps)
    assert not any("ATTENDEE" in event for event in events)
    assert "a, b; c\\d \N{SNOWMAN}a, b" in events[0]["SUMMARY"]


@pytest.mark.parametrize(
    ("start", "utc_hour"), [(date(2027, 3, 22), 17), (date(2027, 3, 29), 16), (date(2027, 11, 1), 17)], ids=str
)
def test_a_time_of_day_is_the_learners_on_both_sides_of_summer_time(learner: User, start: date, utc_hour: int) -> None:
    end = start + timedelta(days=1)
    plan = make_plan(learner, time_of_day=time(18), start=start, end=end, hours_a_week=None, lessons=[LESSON])
    first = read(ics.plan_calendar(plan, address=ADDRESS))[1][0]
    assert first.start == datetime(start.year, start.month, start.day, utc_hour, tzinfo=UTC)


def test_timed_steps_of_a_day_follow_one_another_and_end_by_midnight(learner: User) -> None:
    today = timezone.localdate()
    for at in (time(8), time(20), time(23, 59)):
        plan = make_plan(learner, time_of_day=at, start=today, end=today, hours_a_week=None)
        events = read(ics.plan_calendar(plan, address=ADDRESS))[1]
        midnight = datetime.combine(today + timedelta(days=1), time(0), tzinfo=events[0].start.tzinfo)
        assert all(event.end > event.start for event in events)
        assert all(event.end <= midnight for event in events)
        if at == time(8):
            assert all(a.end <= b.start for a, b in pairwise(events[:5]))


def test_done_steps_say_so(plan: StudyPlan) -> None:
    plans.step_tick(plan=plan, key=f"{LESSON}:theory", done=True)
    events = read(ics.plan_calendar(plan, address=ADDRESS))[1]
    assert [event["UID"].endswith(f"{LESSON}:theory@rankzero") for event in events] == [
        event["SUMMARY"].startswith("✓") for event in events
    ]


def test_a_stopped_plan_cancels_its_events(plan: StudyPlan, learner: User, client: Client) -> None:
    before = read(client.get(feed_path(learner)).content)[1]
    plans.plan_stop(plan=plan)
    after = read(client.get(feed_path(learner)).content)[1]
    assert {event["STATUS"] for event in before} == {"CONFIRMED"}
    assert {event["STATUS"] for event in after} == {"CANCELLED"}
    assert [event["UID"] for event in before] == [event["UID"] for event in after]
    assert after[0]["SEQUENCE"] > before[0]["SEQUENCE"]


def test_a_calendar_program_reads_it_without_a_session(plan: StudyPlan, learner: User, client: Client) -> None:
    answer = client.get(feed_path(learner))
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer["Cache-Control"] == "private, max-age=900"
    assert not answer.cookies
    again = client.get(feed_path(learner), headers={"if-none-match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    plans.plan_replan(plan=plan, today=timezone.localdate() + timedelta(days=5))
    changed = client.get(feed_path(learner), headers={"if-none-match": answer["ETag"]})
    assert changed.status_code == 200
    assert client.post(feed_path(learner)).status_code in (403, 405)


def test_a_new_address_ends_the_old_one(plan: StudyPlan, learner: User, client: Client, as_user: SeenAs) -> None:
    old = feed_path(learner)
    assert as_user(learner).post("/plan/feed/new/").status_code == 302
    assert client.get(old).status_code == 404
    assert client.get(feed_path(learner)).status_code == 200
    assert len(PlanFeed.objects.get().token) >= 43


def test_nobody_guesses_or_keeps_an_address(plan: StudyPlan, learner: User, peer: User, client: Client) -> None:
    make_plan(peer)
    assert feed_path(learner) != feed_path(peer)
    token = PlanFeed.objects.get(user=learner).token
    for wrong in (token[:-1], token.swapcase(), "x", "%00", "../../x", str(plan.pk)):
        assert client.get(f"/plan/feed/{wrong}.ics").status_code == 404
    learner.is_active = False
    learner.save()
    assert client.get(f"/plan/feed/{token}.ics").status_code == 404


def test_the_download_is_the_owners(
    plan: StudyPlan, learner: User, peer: User, client: Client, as_user: SeenAs
) -> None:
    answer = as_user(learner).get("/plan/download.ics")
    assert answer["Content-Disposition"].startswith("attachment")
    assert read(answer.content)[1]
    assert as_user(peer).get("/plan/download.ics").status_code == 404
    assert client.get("/plan/download.ics").status_code == 302
