"""`manage.py worker`: makes sure that the lab is there, then becomes a Celery worker."""

from __future__ import annotations

import os
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from typing_extensions import override

from webapp.config import lab

RETRY_S = 60


class Command(BaseCommand):
    help = "Installs the lab if it is missing, then runs one Celery worker for the named queues."
    requires_system_checks: list[str] = []

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        tiers = ",".join(settings.TIERS)
        parser.add_argument("--queues", default=tiers, help="of smoke, cpu, gpu (default: %(default)s)")
        parser.add_argument("--concurrency", type=int, default=2, help="runs at once (default: %(default)s)")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        self.install_lab()
        argv = [sys.executable, "-m", "celery", "--quiet", "-A", "webapp.config.celery", "worker",
                "--queues", options["queues"],
                "--concurrency", str(options["concurrency"]), "--prefetch-multiplier", "1", "--without-gossip",
                "--without-mingle", "--hostname", f"worker-{os.getpid()}@%h", "--loglevel", "info"]  # fmt: skip
        os.execv(sys.executable, argv)

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
