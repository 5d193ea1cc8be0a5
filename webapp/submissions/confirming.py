"""Second runs: which passes want one, and what two runs say together."""

from __future__ import annotations

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop

import grader
from webapp.catalog.course import course
from webapp.submissions.addresses import ws_url
from webapp.submissions.contexts import ConfirmationView
from webapp.submissions.models import UNMADE, Run, Status, Submission, Verdict

WAITS = gettext_noop("Passed. A second run on new data confirms it; it waits behind the first runs of others.")
RUNS = gettext_noop("Passed. A second run on new data is confirming it now.")
CONFIRMED = gettext_noop("Confirmed: a second run on new data passed as well.")
DIFFERED = gettext_noop(
    "Your pass stands, but the second run on new data did not confirm it, so it counts for no leaderboard."
)
PLAIN_ONLY = gettext_noop("Confirmed, but without the distinction: both runs must reach it.")
REVIEWED = gettext_noop("An instructor looks at the second run before it confirms anything.")
UNMADE_TEXT = gettext_noop(
    "The second run came to no end, and that says nothing of your work. It can be made again, at no cost."
)
MISSING = gettext_noop("A second run on new data can confirm this pass.")


def is_confirmable(run: Run) -> bool:
    """Whether this run is a pass that a second run is to confirm."""
    if run.submission is None or run.is_confirmation or run.verdict != Verdict.PASSED:
        return False
    mirror = run.submission.exercise
    content = course().exercise(mirror.lesson, mirror.slug)
    return content is not None and run.tier in content.manifest.tiers and content.manifest.confirms(run.tier)


def confirmed_runs() -> QuerySet[Run]:
    """Passes that a second run confirmed: what leaderboards and certificates may count."""
    return Run.objects.filter(
        verdict=Verdict.PASSED, confirms__isnull=True, confirmations__verdict=Verdict.PASSED
    ).exclude(tier="smoke")


def submission_confirmed(submission: Submission) -> bool:
    """Whether two runs of it passed, on two seeds, the second in cold boxes."""
    return confirmed_runs().filter(submission=submission).exists()


def second_run(run: Run) -> Run | None:
    """The newest run that confirms this one; of several only the newest can have said something."""
    return next(iter(run.confirmations.all()), None)


def settled_report(run: Run) -> grader.Report:
    """The stored Report with the verdict that holds: an instructor may have decided."""
    return grader.Report.model_validate(run.report).model_copy(update={"verdict": run.verdict})


def is_distinguished(run: Run) -> bool:
    """Both runs reached the distinction. Where the exercise wants no second run (any more), the one did."""
    report = run.report or {}
    if not report.get("distinction") or run.verdict != Verdict.PASSED:
        return False
    if run.is_confirmation:  # its Report was made with the first one's in hand
        return True
    second = second_run(run)
    if second is None:
        return not is_confirmable(run)
    return second.verdict == Verdict.PASSED and bool((second.report or {}).get("distinction"))


def confirmation_view(run: Run, *, is_mine: bool) -> ConfirmationView | None:
    """What to say of a run's second one, beside the verdict; None where there is none and none is wanted."""
    second = second_run(run)
    if second is None and not is_confirmable(run):
        return None
    state, text, differences = describe(run, second)
    is_open = state in ("waiting", "running")
    again = is_mine and state in ("unmade", "missing") and is_confirmable(run)
    return ConfirmationView(
        state=state,
        text=gettext(text),
        differences=differences,
        url=reverse("run", args=[second.pk]) if second else "",
        panel_url=reverse("run-panel", args=[run.pk]) if is_open else "",
        ws_url=ws_url(second) if second and is_open else "",
        again_url=reverse("run-confirm", args=[run.pk]) if again else "",
    )


def describe(run: Run, second: Run | None) -> tuple[str, str, tuple[str, ...]]:
    """State, text, and where the second run fell behind."""
    if second is None:
        return "missing", MISSING, ()
    if not second.is_finished:
        return ("waiting", WAITS, ()) if second.status == Status.QUEUED else ("running", RUNS, ())
    if second.verdict in UNMADE:
        return "unmade", UNMADE_TEXT, ()
    if second.verdict == Verdict.UNDER_REVIEW:
        return "review", REVIEWED, ()
    differences = differences_of(run, second)
    if second.verdict != Verdict.PASSED:
        return "differed", DIFFERED, differences
    lost = bool((run.report or {}).get("distinction")) and not is_distinguished(run)
    return "confirmed", PLAIN_ONLY if lost else CONFIRMED, differences


def differences_of(run: Run, second: Run) -> tuple[str, ...]:
    if not (run.report and second.report):
        return ()  # rejected before anything ran
    return tuple(grader.confirm_report(settled_report(run), settled_report(second)).differences)
