"""`python manage.py bench <what>`: measures this installation beside named baselines, in one run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from grader.bench_grade import report as grade_report
from grader.bench_grade import suite as grade_suite
from sandbox import SandboxError
from sandbox.bench import box, report
from webapp.config.bench_site import report as site_report
from webapp.config.bench_site import suite as site_suite
from webapp.submissions.bench_queue import report as queue_report
from webapp.submissions.bench_queue import suite as queue_suite
from webapp.submissions.bench_watchers import report as watchers_report
from webapp.submissions.bench_watchers import suite as watchers_suite

# Called by name with quick, rounds, say and what Bench.options says. Measures and gives one JSON document; raises
# SandboxError where it cannot. `say` takes lines of progress.
Run = Callable[..., dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """`lines`: the document for a person. `options`: of the command, which `run` takes too."""

    run: Run
    lines: Callable[[dict[str, Any]], Iterator[str]]
    options: tuple[str, ...] = ()


# What can be measured. A new bench is a line here.
BENCHES = {
    "box": Bench(run=box.run, lines=report.lines),
    "grade": Bench(run=grade_suite.run, lines=grade_report.lines),
    "queue": Bench(run=queue_suite.run, lines=queue_report.lines),
    "site": Bench(run=site_suite.run, lines=site_report.lines),
    "watchers": Bench(run=watchers_suite.run, lines=watchers_report.lines, options=("viewers",)),
}
ALL = "all"


class Command(BaseCommand):
    help = "Measures and prints medians, spreads and ratios. Exit 0 also when a goal is missed, 1 if it cannot measure."
    requires_system_checks: list[str] = []

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", choices=[*BENCHES, ALL])
        parser.add_argument("--json", action="store_true", help="print one JSON document with every sample")
        parser.add_argument("--quick", action="store_true", help="fewer rounds: a minute or two, wider spreads")
        parser.add_argument(
            "--rounds",
            "--runs",
            type=_positive,
            default=None,
            help="box: rounds of every group of timed starts; grade: runs of every submission; queue: clicks; "
            "site: of every page; watchers: seconds that the run writes",
        )
        parser.add_argument("--viewers", type=_positive, default=watchers_suite.VIEWERS, help="watchers: how many")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        chosen = list(BENCHES) if options["what"] == ALL else [options["what"]]
        documents = {name: self._run(BENCHES[name], options) for name in chosen}
        if options["json"]:
            self.stdout.write(json.dumps(documents if options["what"] == ALL else documents[options["what"]], indent=2))
            return
        for name, document in documents.items():
            self.stdout.write("\n".join(BENCHES[name].lines(document)))

    def _run(self, bench: Bench, options: dict[str, Any]) -> dict[str, Any]:
        try:
            chosen = {name: options[name] for name in bench.options}
            return bench.run(quick=options["quick"], rounds=options["rounds"], say=self._say, **chosen)
        except SandboxError as error:
            raise CommandError(f"could not measure: {error}") from error

    def _say(self, text: str) -> None:
        self.stderr.write(text)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("at least 1")
    return number
