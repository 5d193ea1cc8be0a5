"""`manage.py worker`: makes sure that the lab is there, then becomes a Celery worker, or a tree of them."""

from __future__ import annotations

import os
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

from webapp.config import lab
from webapp.config.paths import ROOT
from webapp.config.slots import slots_here
from webapp.config.tree import Tree

QUEUES = ("smoke", "cpu", "gpu")
RETRY_S = 60


class Command(BaseCommand):
    help = "Installs the lab if it is missing, then runs one Celery worker for each of the named queues."
    requires_system_checks: list[str] = []

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        tiers = ",".join(settings.TIERS)
        parser.add_argument("--queues", default=tiers, help="of smoke, cpu, gpu (default: %(default)s)")
        parser.add_argument("--concurrency", type=int, help="runs at once in each queue (default: as the machine has)")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        queues = chosen(options["queues"])
        self.install_lab()
        if len(queues) == 1:
            os.execv(sys.executable, celery_argv(queues[0], options["concurrency"] or slots_here(queues[0])))
        more = [f"--concurrency={options['concurrency']}"] if options["concurrency"] else []
        parts = {f"worker-{queue}": [*worker_argv(queue), *more] for queue in queues}
        as_json = settings.LOG_FORMAT == "json"
        raise SystemExit(Tree(parts, env=os.environ, cwd=ROOT, last=(), as_json=as_json).run())

    def install_lab(self) -> None:
        """Until it works: lessons stay readable meanwhile, and pages show why nothing runs."""
        while True:
            try:
                lab.ensure()
            except lab.LabError as error:
                self.stderr.write(f"{error} Trying again in {RETRY_S} s.")
                time.sleep(RETRY_S)
            else:
                self.stdout.write("The lab is ready.")
                self.stdout.flush()
                return


def chosen(text: str) -> list[str]:
    """Raises CommandError for queues that there are not."""
    queues = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in queues if name not in QUEUES]
    if unknown or not queues:
        raise CommandError(f"--queues {text!r}: name one or more of {', '.join(QUEUES)}")
    return queues


def worker_argv(queue: str) -> list[str]:
    """Another one of this command, for one queue."""
    return [sys.executable, str(ROOT / "manage.py"), "worker", "--queues", queue]


def celery_argv(queue: str, concurrency: int) -> list[str]:
    return [sys.executable, "-m", "celery", "--quiet", "-A", "webapp.config.celery", "worker", "--queues", queue,
            "--concurrency", str(concurrency), "--prefetch-multiplier", "1", "--without-gossip",
            "--without-mingle", "--hostname", f"{queue}-{os.getpid()}@%h", "--loglevel", "info"]  # fmt: skip
