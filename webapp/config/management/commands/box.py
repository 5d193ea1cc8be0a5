"""`python manage.py box [options] -- argv`: runs any program in a box."""

from __future__ import annotations

import json
import sys
from argparse import REMAINDER
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import override

from sandbox import BoxSpec, Outcome, SandboxError, open_backend
from sandbox.runner import default_mounts, parse_size, run_program


class Command(BaseCommand):
    help = "Runs a program in a box; prints its output, then how it ended and what it used. Exit code: the program's."
    requires_system_checks: list[str] = []

    @override
    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--backend", default="bubblewrap")
        parser.add_argument("--memory", default="512M", help="all processes together (default 512M)")
        parser.add_argument("--wall", type=float, default=10.0, help="seconds (default 10)")
        parser.add_argument("--cpu", type=float, default=None, help="CPU seconds (default no limit)")
        parser.add_argument("--json", action="store_true", help="print outcome and usage as JSON on stdout's last line")
        parser.add_argument("argv", nargs=REMAINDER, help="after --: the program and its arguments")

    @override
    @override
    def handle(self, *args: Any, **options: Any) -> None:
        argv = options["argv"][1:] if options["argv"][:1] == ["--"] else options["argv"]
        if not argv:
            raise CommandError("name a program after --, as in: manage.py box -- python -c 'print(1)'", returncode=2)
        try:
            outcome = _run(argv, options)
        except (SandboxError, ValueError) as error:
            raise CommandError(str(error), returncode=2) from error
        if options["json"]:
            self.stdout.write(json.dumps(asdict(outcome)))
        else:
            self.stderr.write(_summary(outcome))
        sys.exit(_exit_code(outcome))


def _run(argv: list[str], options: dict[str, Any]) -> Outcome:
    mounts = default_mounts()
    path = ":".join([f"{mounts[0].target}/bin", "/usr/local/bin", "/usr/bin", "/bin"]) if mounts else "/usr/bin:/bin"
    spec = BoxSpec(
        mounts=mounts,
        memory_bytes=parse_size(options["memory"]),
        wall_s=options["wall"],
        cpu_s=options["cpu"],
        env={"PATH": path},
    )
    return run_program(open_backend(options["backend"]), spec, argv, sys.stdout.buffer, sys.stderr.buffer)


def _summary(outcome: Outcome) -> str:
    used = outcome.usage
    return (
        f"{outcome.status}: {outcome.detail}. Wall {used.wall_s:.3f} s, CPU {used.cpu_s:.3f} s, "
        f"peak memory {used.peak_memory_bytes / 2**20:.1f} MiB ({used.source})"
    )


def _exit_code(outcome: Outcome) -> int:
    """The program's own code; 128 + N for a signal, as a shell says it; 1 for a limit, 2 for our fault."""
    if outcome.exit_code is not None:
        return outcome.exit_code
    if outcome.signal is not None:
        return 128 + outcome.signal
    return 2 if outcome.status == "box_error" else 1
