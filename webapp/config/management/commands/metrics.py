"""`manage.py metrics`: what /metrics says, for a machine that runs workers but no site."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from prometheus_client.exposition import generate_latest
from typing_extensions import override

from webapp.submissions.operations.exposition import METRICS


class Command(BaseCommand):
    help = "Prints the metrics of this machine and of the queue, in the text format of Prometheus."

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(generate_latest(METRICS).decode(), ending="")
