"""`manage.py sync_lessons`: the database's mirror of the lesson folders."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from typing_extensions import override

from webapp.catalog.services import catalog_sync


class Command(BaseCommand):
    help = "Brings the database in line with the lesson folders; lists every problem in the content."

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        result = catalog_sync()
        for problem in result.problems:
            self.stderr.write(problem)
        if options["verbosity"] > 0:
            self.stdout.write(f"{result.present} exercises, {result.gone} gone, {len(result.problems)} problems")
