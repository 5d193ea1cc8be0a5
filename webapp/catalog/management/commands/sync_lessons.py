"""`manage.py sync_lessons`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from typing_extensions import override

from webapp.catalog.services import catalog_sync


class Command(BaseCommand):
    help = "Makes the database's list of exercises equal to the lessons' folders."

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        result = catalog_sync()
        for problem in result.problems:
            self.stderr.write(problem)
        if options["verbosity"]:
            self.stdout.write(f"{result.present} exercises, {result.gone} gone, {len(result.problems)} problems")
