"""`manage.py backup [file]`."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

from webapp.config.backups import BackupError, backup_create


class Command(BaseCommand):
    help = "Writes the database and the secrets into one archive (mode 600), while the site runs."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help="default: <state>/backups/rankzero-<time>.tar.gz")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            path = backup_create(options["file"])
        except (BackupError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{path}  ({path.stat().st_size / 1024:.0f} KiB). It holds secrets: keep it private.")
