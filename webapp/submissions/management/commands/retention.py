"""`manage.py retention [--dry-run]`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone
from typing_extensions import override

from webapp.submissions.operations.retention import retention_apply


class Command(BaseCommand):
    help = "Deletes what is older than docs/configuration.md says for its kind. A running site does it every night."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        done = retention_apply(now=timezone.now(), dry_run=options["dry_run"])
        for name, count in done.items():
            self.stdout.write(f"{name}: {count} {'would be deleted' if options['dry_run'] else 'deleted'}")
