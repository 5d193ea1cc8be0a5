"""`manage.py restore <file>`."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from typing_extensions import override

from webapp.config.backups import BackupError, backup_restore
from webapp.config.supervisor import is_running


class Command(BaseCommand):
    help = "Replaces the database and the secrets by a backup's. Stop the site first. What is replaced is kept."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        if is_running():
            raise CommandError("The site is running: stop it (Ctrl-C in its terminal), then restore.")
        try:
            kept = backup_restore(options["file"])
        except (BackupError, OSError) as error:
            raise CommandError(f"{error}. Nothing was changed.") from error
        call_command("migrate", interactive=False, verbosity=0)
        self.stdout.write(f"Restored {options['file']}." + (f" What it replaced is in {kept}." if kept else ""))
