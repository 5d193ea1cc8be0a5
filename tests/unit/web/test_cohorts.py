"""Classes: who is in them, what they cap, and the command that sets it."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command

from lessons.loader import Exercise as Content
from tests.unit.web.lessons import LESSON, SLUG
from webapp.accounts.models import User
from webapp.catalog.models import Exercise
from webapp.catalog.services import exercise_mirror
from webapp.cohorts import selectors, services
from webapp.cohorts.models import AttemptCap, Cohort, Enrolment

KEY = f"{LESSON}/{SLUG}"


@pytest.fixture
def exercise(db: None, content: Content) -> Exercise:
    return exercise_mirror(content)


def cohort_of(name: str, *users: User, exercise: Exercise | None = None, attempts: int | None = None) -> Cohort:
    cohort = services.cohort_create(name=name)
    for user in users:
        services.enrol(cohort=cohort, user=user)
    if exercise is not None:
        services.attempts_cap(cohort=cohort, exercise=exercise, attempts=attempts)
    return cohort


def attempts_of(user: User, exercise: Exercise) -> int | None:
    cap = selectors.attempt_cap(user, exercise.pk)
    return cap.attempts if cap else None


def run(*argv: str) -> str:
    out = StringIO()
    call_command("cohorts", *argv, stdout=out)
    return out.getvalue()


def test_without_a_cap_attempts_are_unlimited(learner: User, exercise: Exercise) -> None:
    cohort_of("Free", learner)
    assert attempts_of(learner, exercise) is None


def test_of_several_caps_the_most_generous_counts(learner: User, peer: User, exercise: Exercise) -> None:
    cohort_of("Strict", learner, peer, exercise=exercise, attempts=2)
    cohort_of("Kind", learner, exercise=exercise, attempts=5)
    cohort_of("Others", exercise=exercise, attempts=9)
    assert (attempts_of(learner, exercise), attempts_of(peer, exercise)) == (5, 2)


def test_a_cohort_without_a_cap_lifts_no_other_cohorts(learner: User, exercise: Exercise) -> None:
    cohort_of("Strict", learner, exercise=exercise, attempts=2)
    cohort_of("Silent", learner)
    assert attempts_of(learner, exercise) == 2


def test_a_cap_is_changed_and_lifted(learner: User, exercise: Exercise) -> None:
    cohort = cohort_of("Autumn", learner, exercise=exercise, attempts=2)
    services.attempts_cap(cohort=cohort, exercise=exercise, attempts=3)
    assert (attempts_of(learner, exercise), AttemptCap.objects.count()) == (3, 1)
    services.attempts_cap(cohort=cohort, exercise=exercise, attempts=None)
    assert attempts_of(learner, exercise) is None


def test_gpu_minutes_of_several_cohorts(learner: User, peer: User, outsider: User) -> None:
    for name, minutes, users in [("A", 10, [learner, peer]), ("B", 30, [learner]), ("C", None, [learner, outsider])]:
        services.gpu_minutes_set(cohort=cohort_of(name, *users), minutes=minutes)
    assert [selectors.gpu_minutes(user) for user in (learner, peer, outsider)] == [30, 10, None]
    services.gpu_minutes_set(cohort=cohort_of("D", learner), minutes=0)
    assert selectors.gpu_minutes(learner) == 0  # without limit


def test_who_is_removed_is_bound_no_more(learner: User, exercise: Exercise) -> None:
    cohort = cohort_of("Strict", learner, exercise=exercise, attempts=2)
    assert services.remove(cohort=cohort, user=learner)
    assert not services.remove(cohort=cohort, user=learner)
    assert attempts_of(learner, exercise) is None


@pytest.mark.parametrize("values", [{"name": ""}, {"name": "Taken"}, {"name": "x", "slug": "not a slug"}])
def test_it_refuses_a_class_that_cannot_be(values: dict[str, str], db: None) -> None:
    services.cohort_create(name="Taken")
    with pytest.raises(ValidationError):
        services.cohort_create(**values)
    assert Cohort.objects.count() == 1


@pytest.mark.parametrize("attempts", [0, -1, 1_001])
def test_it_refuses_a_cap_that_cannot_be(attempts: int, exercise: Exercise) -> None:
    with pytest.raises(ValidationError):
        services.attempts_cap(cohort=cohort_of("A"), exercise=exercise, attempts=attempts)
    assert not AttemptCap.objects.exists()


def test_the_command_sets_up_a_class(learner: User, peer: User, exercise: Exercise) -> None:
    assert run("create", "Autumn 2026") == "autumn-2026: Autumn 2026\n"
    assert run("enrol", "autumn-2026", "ADA", peer.email).startswith("2 enrolled")
    assert run("enrol", "autumn-2026", "ada").startswith("0 enrolled in autumn-2026, 1 were in it already")
    run("cap", "autumn-2026", KEY, "5")
    run("quota", "autumn-2026", "30")
    assert json.loads(run("list", "--json")) == [
        {
            "slug": "autumn-2026",
            "name": "Autumn 2026",
            "learners": 2,
            "gpu_minutes_per_day": 30,
            "caps": {KEY: 5},
        }
    ]
    text = run("list")
    assert "Autumn 2026, 2 learners, GPU minutes a day: 30" in text
    assert f"{KEY}: 5 attempts" in text
    assert "unlimited attempts" in run("cap", "autumn-2026", KEY, "none")
    assert "as the site's setting says" in run("quota", "autumn-2026", "none")
    assert run("remove", "autumn-2026", "ada").startswith("1 removed")
    assert Enrolment.objects.get().user == peer


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["enrol", "nothing", "ada"], "There is no cohort 'nothing'. There are: autumn."),
        (["enrol", "autumn", "ada", "nobody", "none@x"], "Nobody here is called 'nobody', 'none@x'. Nothing was"),
        (["cap", "autumn", "90_fixture/none", "3"], "There is no exercise '90_fixture/none'."),
        (["cap", "autumn", "nonsense", "3"], "Write <lesson>/<exercise>"),
        (["cap", "autumn", KEY, "many"], "'many' is not a whole number"),
        (["cap", "autumn", KEY, "0"], "Give a number from 1 to 1000."),
        (["quota", "autumn", "2000"], "Give a number from 0 (no limit) to 1440."),
        (["create", "Autumn"], "already exists"),
    ],
)
def test_the_command_says_what_is_wrong(argv: list[str], text: str, learner: User, exercise: Exercise) -> None:
    cohort_of("Autumn")
    with pytest.raises(CommandError) as caught:
        run(*argv)
    assert text in str(caught.value)
    assert (Enrolment.objects.count(), AttemptCap.objects.count()) == (0, 0)


def test_an_empty_list_says_how_to_begin(db: Any) -> None:
    assert "cohorts create" in run("list")
