from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from webapp.accounts.models import User
from webapp.submissions import queue
from webapp.submissions.estimates import duration_text, expected_seconds, queue_place
from webapp.submissions.models import Run, Verdict

Submit = Callable[..., Run]
pytestmark = pytest.mark.usefixtures("woken")


def finished(submit: Submit, user: User, seconds: float, verdict: str = Verdict.PASSED) -> None:
    submit(user, "cpu")
    run = queue.run_claim(queue="cpu", worker="w")
    assert run is not None
    queue.run_finish(run=run, verdict=verdict)
    now = timezone.now()
    Run.objects.filter(pk=run.pk).update(started_at=now - timedelta(seconds=seconds), finished_at=now)


def test_it_expects_what_the_manifest_says_before_anything_ran(submit: Submit, learner: User) -> None:
    assert expected_seconds(submit(learner, "cpu")) == 30


def test_it_expects_the_median_of_measured_runs(submit: Submit, learner: User) -> None:
    for seconds in (10, 12, 90):
        finished(submit, learner, seconds)
    finished(submit, learner, 1, Verdict.INFRA_ERROR)
    assert expected_seconds(submit(learner, "cpu")) == pytest.approx(12)


def test_it_adds_up_who_is_ahead(submit: Submit, learner: User, peer: User, outsider: User) -> None:
    submit(outsider, "cpu")
    queue.run_claim(queue="cpu", worker="w")
    submit(peer, "cpu")
    place = queue_place(submit(learner, "cpu"))
    assert place is not None
    assert (place.position, place.estimate_s) == (2, 60)
    assert place.text == "Number 2 in line, about 60 s to wait."


def test_a_running_run_has_no_place(submit: Submit, learner: User) -> None:
    submit(learner)
    run = queue.run_claim(queue="smoke", worker="w")
    assert run is not None
    assert queue_place(run) is None


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, ""), (0.42, "0.4 s"), (45, "45 s"), (150, "2 min"), (4800, "1 h 20 min")]
)
def test_it_writes_durations(seconds: float | None, text: str) -> None:
    assert duration_text(seconds) == text
