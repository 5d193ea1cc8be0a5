"""`manage.py up`: the whole site in the foreground."""

from __future__ import annotations

import sqlite3
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import OperationalError
from typing_extensions import override

from sandbox import SandboxUnavailable, open_backend
from webapp.accounts.demo import demo_accounts_ensure, demo_accounts_file
from webapp.config import supervisor
from webapp.config.env import env_secret
from webapp.config.lab import LabState, lab_state, write_state
from webapp.config.tree import json_line


class Command(BaseCommand):
    help = "Runs site, worker, boxd, beat and Valkey as one supervised tree. Ctrl-C stops all."
    requires_system_checks: list[str] = []

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        host, port = options["host"], options["port"]
        try:
            held = supervisor.lock_state()
            supervisor.check_port(host, port)
            supervisor.check_space()
            new_accounts = self.prepare()
            supervisor.remove_sockets()
            queues = settings.TIERS if self.sandbox_works() else []
            parts = supervisor.processes(host, port, queues)
            if env_secret("REDIS_URL"):
                del parts["valkey"]  # the queue and the live logs lie on a server that is not ours to run
            if not queues:
                del parts["boxd"]
            supervisor.when_ready(f"http://{host}:{port}/readyz", lambda: self.banner(host, port, new_accounts))
            code = supervisor.supervise(parts)
            supervisor.remove_sockets()
            held.close()
        except (supervisor.StartError, PermissionError) as error:
            self.stderr.write(f"Rank Zero cannot start. {error}")
            raise SystemExit(2) from error
        raise SystemExit(code)

    def prepare(self) -> Path | None:
        """Bring the database up to date; returns the file of newly made demo accounts, if any were made."""
        try:
            call_command("migrate", interactive=False, verbosity=0)
            call_command("sync_lessons", verbosity=0)
            return demo_accounts_ensure()
        except (OperationalError, sqlite3.Error) as error:
            raise supervisor.StartError(f"The database could not be prepared: {error}") from error

    def sandbox_works(self) -> bool:
        """Without a box nothing may run: lessons stay readable, and page and terminal show the fix."""
        try:
            open_backend("bubblewrap")
        except SandboxUnavailable as error:
            write_state(LabState(state="failed", text=f"Nothing can run on this machine yet: {error}"))
            return False
        return True

    def banner(self, host: str, port: int, new_accounts: Path | None) -> None:
        if settings.LOG_FORMAT == "json":  # for a machine: no passwords, they are in the file
            self.stdout.write(json_line("tree", f"Rank Zero is up: http://{host}:{port}"))
            self.stdout.flush()
            return
        lines = ["", "─" * 72, f"  Rank Zero is up: http://{host}:{port}", ""]
        if new_accounts is not None:
            lines += ["  Sign in with one of these (printed this once, kept in", f"  {new_accounts}):", ""]
            lines += [f"    {line}" for line in new_accounts.read_text().splitlines() if not line.startswith("#")]
        elif demo_accounts_file().exists():
            lines += [f"  Demo sign-ins: {demo_accounts_file()}"]
        lab = lab_state()
        if lab.state == "failed":
            lines += ["", f"  {lab.text}", "  Lessons can be read meanwhile."]
        elif lab.state != "ready":
            lines += [
                "",
                "  The lab is still installing: lessons can be read now, runs start when it is ready.",
            ]
        self.stdout.write("\n".join([*lines, "", "  Ctrl-C stops everything.", "─" * 72, ""]))
        self.stdout.flush()
