"""What the worker does with the grader's answer. The grader itself is real in tests/integration."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

import grader
from grader import LogEvent, OutputEvent, Report, SubmissionError
from sandbox import SandboxUnavailable
from tests.unit.web.lessons import ANSWER, LESSON, SLUG
from tests.unit.web.reports import report
from webapp.accounts.models import User
from webapp.catalog.selectors import lesson_find
from webapp.config.lab import LabState, write_state
from webapp.submissions import execution, queue, services
from webapp.submissions.keptlog import unpack
from webapp.submissions.models import Run, Status, Verdict
from webapp.submissions.selectors import cell_find
from webapp.submissions.workers import Offer

Submit = Callable[..., Run]
pytestmark = pytest.mark.usefixtures("woken")


@pytest.fixture(autouse=True)
def box(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "open_backend", lambda name: None)


@pytest.fixture
def graded(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Any]], list[dict[str, Any]]]:
    """Put a function in the grader's place; returns the calls that were made."""

    def install(answer: Callable[..., Any]) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = []

        def grade(exercise: Any, files: Any, **options: Any) -> Any:
            calls.append({"exercise": exercise, "files": files, **options})
            return answer(**options)

        monkeypatch.setattr(grader, "grade", grade)
        return calls

    return install


def log_of(run: Run) -> list[str]:
    return [entry.get("text", "") for entry in unpack(run.log_z)]


def test_it_grades_what_was_submitted_and_stores_the_report(submit: Submit, learner: User, graded: Any) -> None:
    def answer(on_event: Any, **options: Any) -> Report:
        on_event(LogEvent(stream="out", text="hello"))
        return report()

    calls = graded(answer)
    run = submit(learner)
    assert execution.work("smoke") is not None
    run.refresh_from_db()
    assert (run.status, run.verdict, run.score) == (Status.DONE, Verdict.PASSED, 0.9)
    assert run.report == report().model_dump(mode="json", by_alias=True)
    assert log_of(run) == ["Started.", "hello"]
    assert calls[0]["exercise"].key == f"{LESSON}/{SLUG}"
    assert calls[0]["files"] == {name: text.encode() for name, text in ANSWER.items()}
    assert (calls[0]["tier"], calls[0]["seed"]) == ("smoke", run.seed)


def test_it_does_nothing_when_nothing_waits(db: None) -> None:
    assert execution.work("smoke") is None


def test_it_tries_our_failures_again_and_then_gives_up(submit: Submit, learner: User, graded: Any) -> None:
    graded(lambda **options: report("infra_error", 0.0, "secret traceback"))
    run = submit(learner)
    for tries in (1, 2):
        execution.work("smoke")
        run.refresh_from_db()
        assert (run.status, run.tries) == (Status.QUEUED, tries)
    execution.work("smoke")
    run.refresh_from_db()
    assert (run.status, run.verdict, run.score) == (Status.DONE, Verdict.INFRA_ERROR, None)
    assert "cost you nothing" in run.message
    assert log_of(run).count("Our machinery failed; the run is given back.") == 3


def test_it_gives_a_run_back_when_the_grader_raises(submit: Submit, learner: User, graded: Any, caplog: Any) -> None:
    def answer(**options: Any) -> Report:
        raise OSError("no space left")

    graded(answer)
    run = submit(learner)
    execution.work("smoke")
    run.refresh_from_db()
    assert (run.status, run.tries) == (Status.QUEUED, 1)
    assert "no space left" in caplog.text
    assert "no space left" not in run.message


def test_no_secret_of_the_platform_reaches_the_learner(
    submit: Submit, learner: User, graded: Any, settings: Any
) -> None:
    def answer(on_event: Any, **options: Any) -> Report:
        found = report("failed", 0.1, f"cannot sign with {settings.SECRET_KEY}, nor with any other key")
        checks = [found.checks[0].model_copy(update={"feedback": f"the key is {settings.SECRET_KEY}"})]
        return found.model_copy(update={"checks": checks})

    graded(answer)
    run = submit(learner)
    execution.work("smoke")
    run.refresh_from_db()
    assert run.message == "cannot sign with [redacted], nor with any other key"
    assert run.report["checks"][0]["feedback"] == "the key is [redacted]"
    assert (run.report["verdict"], run.report["checks"][0]["name"]) == ("failed", "answers"), "all else is as it was"


def test_it_explains_a_submission_that_no_longer_fits(submit: Submit, learner: User, graded: Any) -> None:
    def answer(**options: Any) -> Report:
        raise SubmissionError("missing ['new.py']")

    graded(answer)
    run = submit(learner)
    execution.work("smoke")
    run.refresh_from_db()
    assert run.verdict == Verdict.REJECTED
    assert "exercise has changed" in run.message


def test_it_drops_a_result_after_losing_the_lease(submit: Submit, learner: User, graded: Any) -> None:
    def answer(**options: Any) -> Report:
        Run.objects.update(token=99)
        return report()

    graded(answer)
    run = submit(learner)
    execution.work("smoke")
    run.refresh_from_db()
    assert (run.status, run.verdict, run.report) == (Status.RUNNING, "", None)


@pytest.mark.django_db(transaction=True)
def test_it_stops_when_the_learner_cancels(
    submit: Submit, learner: User, graded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "POLL_S", 0.01)

    def answer(cancelled: Callable[[], bool], **options: Any) -> Report:
        Run.objects.update(cancel_requested=True)
        deadline = time.monotonic() + 10
        while not cancelled():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return report("cancelled", 0.0)

    graded(answer)
    run = submit(learner)
    execution.work("smoke")
    run.refresh_from_db()
    assert (run.status, run.verdict, run.score) == (Status.CANCELLED, Verdict.CANCELLED, None)


@pytest.mark.django_db(transaction=True)
def test_it_renews_the_lease_while_it_works(
    submit: Submit, learner: User, graded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "POLL_S", 0.01)
    monkeypatch.setattr(execution, "HEARTBEAT_S", 0.05)

    def answer(**options: Any) -> Report:
        soon = timezone.now() + timedelta(seconds=1)
        Run.objects.update(lease_expires_at=soon)
        deadline = time.monotonic() + 10
        while not Run.objects.filter(lease_expires_at__gt=soon).exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return report()

    graded(answer)
    run = submit(learner)
    execution.work("smoke")
    run.refresh_from_db()
    assert run.verdict == Verdict.PASSED


def test_it_refuses_without_a_sandbox_and_says_why(
    submit: Submit, learner: User, monkeypatch: pytest.MonkeyPatch, graded: Any
) -> None:
    def none(name: str) -> None:
        raise SandboxUnavailable("set the sysctl")

    calls = graded(lambda **options: report())
    monkeypatch.setattr(execution, "open_backend", none)
    run = submit(learner)
    assert execution.work("smoke") is None
    run.refresh_from_db()
    assert (run.status, run.tries, calls) == (Status.QUEUED, 0, [])
    assert "set the sysctl" in run.message


def test_a_worker_without_a_gpu_leaves_its_queue_alone_and_says_so(
    submit: Submit, learner: User, graded: Any, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.TIERS = ["smoke", "cpu", "gpu"]
    calls = graded(lambda **options: report())
    run = submit(learner, "gpu")
    monkeypatch.setattr(execution, "has_gpu", lambda: False)
    assert execution.work("gpu") is None
    run.refresh_from_db()
    assert (run.status, run.tries, calls) == (Status.QUEUED, 0, [])
    assert "this worker has no GPU" in run.message
    monkeypatch.setattr(execution, "has_gpu", lambda: True)
    gpu = {"id": "0", "name": "one", "memory_mb": 1024}
    monkeypatch.setattr(queue, "machine_offer", lambda: Offer(cores=2, memory_mb=64_000, gpus=(gpu,)))
    assert execution.work("gpu") is not None
    run.refresh_from_db()
    assert (run.status, calls[0]["tier"]) == (Status.DONE, "gpu")


def test_it_waits_for_the_lab_and_says_so(submit: Submit, learner: User, graded: Any) -> None:
    calls = graded(lambda **options: report())
    write_state(LabState(state="installing", text="Installing the lab: 3 of 9 packages", done=0.3))
    run = submit(learner)
    assert execution.work("smoke") is None
    run.refresh_from_db()
    assert (run.status, run.message, calls) == (Status.QUEUED, "Installing the lab: 3 of 9 packages", [])


def test_it_runs_a_cell_after_its_session(learner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []

    def run_cell(sources: list[str], *, on_event: Any, cancelled: Any) -> grader.CellResult:
        seen.append(sources)
        on_event(OutputEvent(kind="text", data="42"))
        return grader.CellResult(verdict="crashed", message="Traceback")

    monkeypatch.setattr(grader, "run_cell", run_cell)
    place = cell_find(LESSON, 1)
    assert place is not None
    assert lesson_find(LESSON) is not None
    run = services.cell_run_create(learner=learner, cell=place, code="x + 2", edited={"cell:0": "x = 40"})
    execution.work("smoke")
    run.refresh_from_db()
    assert seen == [["x = 40", "x + 2"]]
    assert (run.status, run.verdict, run.message) == (Status.DONE, Verdict.CRASHED, "Traceback")
    assert [entry["data"] for entry in unpack(run.log_z) if entry["type"] == "output"] == ["42"]


def test_each_process_has_a_worker_name_of_its_own() -> None:
    assert execution.worker_name() == execution.worker_name()
    assert len(execution.worker_name()) <= 120
