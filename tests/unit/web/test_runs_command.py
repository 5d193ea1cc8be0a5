"""`manage.py runs`: what an operator sees, and what may be done to a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.unit.web.lessons import LESSON, SLUG
from tests.unit.web.test_cohorts import cohort_of
from webapp.accounts.models import User
from webapp.submissions import queue, services
from webapp.submissions.inspecting import moment
from webapp.submissions.keptlog import pack
from webapp.submissions.logstream import Entry
from webapp.submissions.models import Run, Status, Verdict

Submit = Callable[..., Run]
KEY = f"{LESSON}/{SLUG}"
pytestmark = pytest.mark.usefixtures("woken")


def runs(*argv: str, errors: StringIO | None = None) -> str:
    out = StringIO()
    call_command("runs", *argv, stdout=out, stderr=errors or StringIO())
    return out.getvalue()


def end(run: Run, verdict: str, **result: Any) -> Run:
    claimed = queue.run_claim(queue=run.queue, worker="w")
    assert claimed is not None
    assert claimed.pk == run.pk
    queue.run_finish(run=claimed, verdict=verdict, **result)
    run.refresh_from_db()
    return run


def listed(*argv: str) -> list[str]:
    return [row["id"] for row in json.loads(runs("list", "--json", *argv))]


def test_it_lists_by_what_is_asked(submit: Submit, learner: User, peer: User) -> None:
    lost, waiting = end(submit(learner, "cpu"), "infra_error"), submit(peer, "smoke")
    Run.objects.filter(pk=lost.pk).update(created_at=timezone.now() - timedelta(hours=5))
    assert listed() == [str(waiting.pk), str(lost.pk)]
    for argv, run in [
        (["--status", "queued"], waiting),
        (["--verdict", "infra_error"], lost),
        (["--queue", "cpu"], lost),
        (["--user", "BOB"], waiting),
        (["--user", learner.email], lost),
        (["--since", "2h"], waiting),
        (["--limit", "1"], waiting),
    ]:
        assert listed(*argv) == [str(run.pk)], argv
    assert listed("--since", "6h", "--user", "ada") == [str(lost.pk)]
    text = runs("list")
    assert f"{lost.pk}  " in text
    assert f"{KEY} (submission)" in text
    assert runs("list", "--user", "nobody") == "No run matches.\n"


def test_it_shows_all_but_the_secret_seed_of_an_open_run(submit: Submit, learner: User) -> None:
    run = submit(learner, "cpu")
    text = runs("show", str(run.pk))
    assert "queued" in text
    assert str(run.seed) not in text + runs("show", str(run.pk), "--json")
    end(run, "failed", score=0.5, report={"x": 1})
    facts = json.loads(runs("show", str(run.pk), "--json"))
    assert (facts["subject"], facts["verdict"], facts["score"], facts["seed"], facts["report"]) == (
        KEY, "failed", 0.5, run.seed, {"x": 1},
    )  # fmt: skip


def test_it_shows_the_log(submit: Submit, learner: User) -> None:
    entry = Entry(type="line", n=1, stream="out", text="\x1b[31mhello\x1b[0m")
    run = end(submit(learner), "failed", log_z=pack([entry]))
    text = runs("show", str(run.pk), "--log")
    assert text.startswith(f"id                {run.pk}\n")
    assert text.endswith("\n\nhello\n")
    assert json.loads(runs("show", str(run.pk), "--log", "--json"))["log"] == ["hello"]
    assert runs("show", str(submit(learner).pk), "--log").endswith("It wrote no log.\n")


def test_an_id_may_be_shortened_while_it_is_clear(submit: Submit, learner: User) -> None:
    first, second = submit(learner), submit(learner)
    for run, digits in ((first, "aaaaaaaa"), (second, "aaaaaaab")):
        Run.objects.filter(pk=run.pk).update(id=digits + str(run.pk)[8:])
    assert json.loads(runs("show", "AAAAAAAB", "--json"))["id"] == f"aaaaaaab{str(second.pk)[8:]}"
    assert json.loads(runs("show", f"aaaaaaaa-{str(first.pk)[9:12]}", "--json"))["id"].startswith("aaaaaaaa")
    with pytest.raises(CommandError, match="Several runs begin with aaaaaaa; write more of it:") as caught:
        runs("show", "aaaaaaa")
    assert str(caught.value).count(KEY) == 2


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (["show", "zebra"], "'zebra' is no run's id"),
        (["show", ""], "is no run's id"),
        (["show", "ffffffffffff"], "There is no run ffffffffffff"),
        (["list", "--since", "yesterday"], "'yesterday' is no time: write 30m"),
        (["list", "--since", "2026-13-40"], "--since"),
        (["regrade", "--reason", "x"], "Name what to grade again"),
        (["regrade", "--reason", "x", "--submission", "1"], "There is no submission '1'"),
        (["regrade", "--reason", "x", "--exercise", "none/none"], "There is no exercise 'none/none'"),
        (["regrade", "--reason", "x", "--cohort", "none"], "There is no cohort 'none'. There are: none yet."),
        (["list", "--status", "lost"], "invalid choice"),
    ],
)
def test_it_says_what_is_wrong(argv: list[str], text: str, db: None) -> None:
    with pytest.raises(CommandError) as caught:
        runs(*argv)
    assert text in str(caught.value)


@pytest.mark.parametrize(("text", "ago"), [("30m", 1_800), ("6h", 21_600), ("3d", 259_200), ("2w", 1_209_600)])
def test_moments_ago(text: str, ago: int) -> None:
    assert abs((timezone.now() - moment(text)).total_seconds() - ago) < 5


def test_moments_of_the_calendar(settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    assert moment("2026-11-23").isoformat() == "2026-11-23T00:00:00+01:00"
    assert moment("2026-11-23T08:30Z").isoformat() == "2026-11-23T08:30:00+00:00"


def test_what_we_failed_to_make_is_made_again_under_its_id(
    submit: Submit, learner: User, woken: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    run = submit(learner, "cpu")
    for _ in range(queue.MAX_TRIES):
        claimed = queue.run_claim(queue="cpu", worker="w")
        assert claimed is not None
        queue.run_give_back(run=claimed)
    run.refresh_from_db()
    assert (run.verdict, run.tries) == (Verdict.INFRA_ERROR, 3)
    woken.clear()
    with django_capture_on_commit_callbacks(execute=True):
        assert "queued again, with all its tries" in runs("requeue", str(run.pk))
    assert woken == ["cpu"]
    again = queue.run_claim(queue="cpu", worker="w2")
    assert again is not None
    assert (again.pk, again.tries, again.verdict, again.cancel_requested) == (run.pk, 1, "", False)
    assert again.token > run.token  # an old worker's result stays refused
    assert not queue.run_finish(run=claimed, verdict="passed")
    assert queue.run_finish(run=again, verdict="passed", score=1.0)


def test_a_run_whose_worker_is_gone_is_taken_back(submit: Submit, learner: User) -> None:
    submit(learner, "cpu")
    run = queue.run_claim(queue="cpu", worker="gone")
    assert run is not None
    past = timezone.now() - timedelta(seconds=1)
    Run.objects.filter(pk=run.pk).update(lease_expires_at=past)
    assert "taken back from gone" in runs("requeue", str(run.pk))
    run.refresh_from_db()
    assert (run.status, run.worker) == (Status.QUEUED, "")


def test_on_its_last_try_it_is_taken_back_and_made_again(submit: Submit, learner: User) -> None:
    submit(learner, "cpu")
    run = queue.run_claim(queue="cpu", worker="gone")
    assert run is not None
    Run.objects.update(tries=queue.MAX_TRIES, lease_expires_at=timezone.now() - timedelta(seconds=1))
    runs("requeue", str(run.pk))
    run.refresh_from_db()
    assert (run.status, run.tries) == (Status.QUEUED, 0)


def test_nothing_else_is_made_again(submit: Submit, learner: User) -> None:
    failed, waiting = end(submit(learner, "cpu"), "failed"), submit(learner, "smoke")
    submit(learner, "cpu")
    running = queue.run_claim(queue="cpu", worker="w")
    assert running is not None
    for run, text in [(failed, "it has ended as failed"), (waiting, "waits already"), (running, "its worker holds it")]:
        errors = StringIO()
        with pytest.raises(CommandError, match="1 of 1 were left"):
            runs("requeue", str(run.pk), errors=errors)
        assert text in errors.getvalue()
        before = (run.status, run.verdict, run.token)
        run.refresh_from_db()
        assert (run.status, run.verdict, run.token) == before


def test_a_second_run_that_was_made_anew_is_not_made_twice(submit: Submit, learner: User) -> None:
    first = end(submit(learner, "cpu"), "passed")
    lost = services.confirmation_create(run=first)
    assert lost is not None
    end(lost, "infra_error")
    runs("requeue", str(lost.pk))  # control: alone it is
    end(lost, "infra_error")
    assert services.confirmation_create(run=first) is not None
    errors = StringIO()
    with pytest.raises(CommandError):
        runs("requeue", str(lost.pk), errors=errors)
    assert "another second run of the same pass" in errors.getvalue()


def test_it_cancels_several_and_says_what_became_of_each(submit: Submit, learner: User) -> None:
    done, begun, waiting = end(submit(learner), "failed"), submit(learner), submit(learner)
    assert queue.run_claim(queue="smoke", worker="w") is not None
    text = runs("cancel", *(str(run.pk) for run in (done, begun, waiting)))
    assert f"{done.pk}: left as it is: it has ended as failed" in text
    assert f"{begun.pk}: is being stopped" in text
    assert f"{waiting.pk}: cancelled" in text
    begun.refresh_from_db()
    assert begun.cancel_requested


def test_of_several_with_a_wrong_one_none_is_touched(submit: Submit, learner: User) -> None:
    run = submit(learner)
    with pytest.raises(CommandError, match="There is no run"):
        runs("cancel", str(run.pk), "00000000")
    run.refresh_from_db()
    assert run.status == Status.QUEUED


def test_it_orders_to_grade_again(submit: Submit, learner: User) -> None:
    run = end(submit(learner, "cpu"), "failed")
    cohort_of("Autumn", learner)
    assert "1 run queued by regrade" in runs("regrade", "--submission", str(run.submission_id), "--reason", "mended")
    for argv in (["--exercise", KEY], ["--cohort", "autumn"], ["--exercise", KEY, "--cohort", "autumn"]):
        end(Run.objects.get(status=Status.QUEUED), "failed")
        assert "1 run queued" in runs("regrade", *argv, "--reason", "mended")
    with pytest.raises(CommandError, match="nothing to grade again"):
        runs("regrade", "--exercise", KEY, "--reason", "mended")
