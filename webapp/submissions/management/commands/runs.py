"""`manage.py runs list|show|requeue|cancel|regrade`."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from typing_extensions import override

from webapp.cohorts.selectors import UnknownNameError, cohort_named, exercise_named
from webapp.submissions import queue
from webapp.submissions.inspecting import kind_of, moment, run_facts, runs_by_prefix, runs_matching, subject_of
from webapp.submissions.keptlog import as_text, unpack
from webapp.submissions.livelog import log_so_far
from webapp.submissions.models import Run, Status, Submission, Tier, Verdict
from webapp.submissions.regrading import regrade_create

ONE = "an id, or its beginning where no other run's begins so"


class Command(BaseCommand):
    help = "What runs there are, what became of one, and what to do about it."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        table = actions.add_parser("list", help="newest first")
        table.add_argument("--status", default="", choices=Status.values)
        table.add_argument("--queue", default="", choices=Tier.values)
        table.add_argument("--verdict", default="", choices=Verdict.values)
        table.add_argument("--user", default="", help="user name or e-mail address")
        table.add_argument("--since", default="", help="30m, 6h, 3d, 2w or a date, by when it was submitted")
        table.add_argument("--limit", type=int, default=50, help="default: %(default)s")
        table.add_argument("--json", action="store_true")
        show = actions.add_parser("show", help="all that is known of a run")
        show.add_argument("run", help=ONE)
        show.add_argument("--json", action="store_true")
        show.add_argument("--log", action="store_true", help="its log, too")
        for action, text in (
            ("requeue", "make runs again that ended as infra_error, or take them back from workers that are gone"),
            ("cancel", "end runs that wait or run"),
        ):
            actions.add_parser(action, help=text).add_argument("runs", nargs="+", metavar="run", help=ONE)
        again = actions.add_parser("regrade", help="grade again after a judge was mended; the best verdict stands")
        again.add_argument("--submission", default="", help="its id")
        again.add_argument("--exercise", default="", help="<lesson>/<exercise>: each learner's best and latest")
        again.add_argument("--cohort", default="", help="its slug: each learner's best and latest of every exercise")
        again.add_argument("--reason", required=True, help="shown to the learners")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"do_{options['action']}")(options)
        except UnknownNameError as error:
            raise CommandError(str(error)) from error

    def do_list(self, options: dict[str, Any]) -> None:
        wanted = {name: options[name] for name in ("status", "queue", "verdict", "user")}
        try:
            since = moment(options["since"]) if options["since"] else None
        except ValueError as error:
            raise CommandError(f"--since: {error}") from error
        runs = list(runs_matching(**wanted, since=since)[: options["limit"]])
        if options["json"]:
            self.stdout.write(json.dumps([run_facts(run) for run in runs], indent=2))
            return
        for run in runs:
            self.stdout.write(line(run))
        if len(runs) == options["limit"]:
            self.stdout.write(f"The newest {len(runs)}; --limit shows more.")
        elif not runs:
            self.stdout.write("No run matches.")

    def do_show(self, options: dict[str, Any]) -> None:
        run = self.run_named(options["run"])
        facts = run_facts(run)
        log = as_text(unpack(run.log_z or log_so_far(run.pk))) if options["log"] else ""
        if options["json"]:
            self.stdout.write(json.dumps({**facts, "report": run.report, "log": log.splitlines()}, indent=2))
            return
        for name, value in facts.items():
            if value not in (None, ""):
                self.stdout.write(f"{name.replace('_', ' '):17} {value}")
        if options["log"]:
            self.stdout.write(f"\n{log or 'It wrote no log.'}", ending="" if log else None)

    def do_requeue(self, options: dict[str, Any]) -> None:
        refused = 0
        for run in self.runs_named(options["runs"]):
            try:
                self.stdout.write(f"{run.pk}: {queue.run_requeue(run=run)}")
            except ValueError as error:
                refused += 1
                self.stderr.write(f"{run.pk}: not requeued: {error}.")
        if refused:
            raise CommandError(f"{refused} of {len(options['runs'])} were left as they are.")

    def do_cancel(self, options: dict[str, Any]) -> None:
        for run in self.runs_named(options["runs"]):
            was_over = run.is_finished
            after = queue.run_cancel(run=run)
            self.stdout.write(f"{run.pk}: {cancelled_text(after, was_over=was_over)}")

    def do_regrade(self, options: dict[str, Any]) -> None:
        scope: dict[str, Any] = {}
        if options["submission"]:
            scope["submission"] = self.submission(options["submission"])
        if options["exercise"]:
            scope["exercise"] = exercise_named(options["exercise"])
        if options["cohort"]:
            scope["cohort"] = cohort_named(options["cohort"])
        if not scope or (len(scope) > 1 and "submission" in scope):
            raise CommandError("Name what to grade again: --submission, or --exercise, --cohort or both of these.")
        try:
            order, count = regrade_create(reason=options["reason"], **scope)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"{count} run{'' if count == 1 else 's'} queued by regrade {order.pk}, behind first runs.")

    def run_named(self, text: str) -> Run:
        try:
            found = runs_by_prefix(text)
        except ValueError as error:
            raise CommandError(f"{error}. See: manage.py runs list") from error
        if not found:
            raise CommandError(f"There is no run {text}. See: manage.py runs list")
        if len(found) > 1:
            ids = "\n".join(f"  {line(run)}" for run in found)
            raise CommandError(f"Several runs begin with {text}; write more of it:\n{ids}")
        return found[0]

    def runs_named(self, texts: list[str]) -> list[Run]:
        """All of them, before anything is done to one."""
        return [self.run_named(text) for text in texts]

    def submission(self, text: str) -> Submission:
        try:
            found = Submission.objects.filter(pk=UUID(text)).first()
        except ValueError:
            found = None
        if found is None:
            raise CommandError(f"There is no submission {text!r}. `manage.py runs show <run>` names a run's.")
        return found


def cancelled_text(run: Run, *, was_over: bool) -> str:
    if was_over:
        return f"left as it is: it has ended as {run.verdict}"
    if run.is_finished:
        return "cancelled"
    if run.cancel_requested:
        return "is being stopped; its box is killed within two seconds"
    return "left as it is: a second run that has begun is not stopped"


def line(run: Run) -> str:
    when = timezone.localtime(run.created_at)
    state = run.verdict or run.status
    score = "" if run.score is None else f" {100 * run.score:.0f} %"
    said = f"  {run.message}" if run.message and run.verdict not in ("passed", "failed") else ""
    return (
        f"{run.pk}  {when:%Y-%m-%d %H:%M}  {run.queue:5}  {state + score:18}  {run.learner.username:16}"
        f"  {subject_of(run)} ({kind_of(run)}){said}"
    ).rstrip()
