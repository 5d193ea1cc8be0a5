"""`python manage.py box [options] -- argv`: runs any program in a box."""

from __future__ import annotations

import io
import json
import re
import sys
from argparse import REMAINDER, ArgumentTypeError
from dataclasses import asdict
from typing import Any, BinaryIO, cast, get_args

from django.core.management.base import BaseCommand, CommandError, CommandParser
from typing_extensions import Buffer, override

from sandbox import BoxSpec, Outcome, SandboxError, open_backend
from sandbox.runner import default_mounts, parse_size, run_program
from sandbox.spec import WarmStack


class Command(BaseCommand):
    help = "Runs a program in a box; prints its output, then how it ended and what it used. Exit code: the program's."
    requires_system_checks: list[str] = []

    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--backend", default="bubblewrap", help="bubblewrap (default) or docker")
        parser.add_argument("--memory", default="512M", help="all processes together (default 512M)")
        parser.add_argument("--disk", default="64M", help="room of /work; /tmp has as much (default 64M)")
        parser.add_argument("--shm", default="64M", help="room of /dev/shm (default 64M)")
        parser.add_argument("--output", default="256K", help="of each stream, what is over is dropped (default 256K)")
        parser.add_argument("--wall", type=float, default=10.0, help="seconds (default 10)")
        parser.add_argument("--cpu", type=float, default=None, help="CPU seconds (default no limit)")
        parser.add_argument("--pids", type=int, default=64, help="processes and threads (default 64)")
        parser.add_argument("--inodes", type=int, default=50_000, help="files and folders (default 50000)")
        parser.add_argument("--open-files", type=int, default=257, help="of each process (default 257)")
        parser.add_argument("--cpus", type=_numbers, default=None, help="core numbers, as in 0,1 (default all shared)")
        parser.add_argument("--gpus", type=_numbers, default=(), help="GPU numbers, as in 0,1 (default none)")
        parser.add_argument(
            "--warm", default="none", choices=get_args(WarmStack), help="imported already, if it can be"
        )
        parser.add_argument("--json", action="store_true", help="print outcome and usage as JSON on stdout's last line")
        parser.add_argument("argv", nargs=REMAINDER, help="after --: the program and its arguments")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        argv = options["argv"][1:] if options["argv"][:1] == ["--"] else options["argv"]
        if not argv:
            raise CommandError("name a program after --, as in: manage.py box -- python -c 'print(1)'", returncode=2)
        out = _LastByte(sys.stdout.buffer)
        try:
            outcome = _run(argv, options, out)
        except (SandboxError, ValueError) as error:
            raise CommandError(str(error), returncode=2) from error
        if options["json"]:
            # On a line of its own, whatever the program wrote last.
            self.stdout.write(f"{'' if out.ended_line else chr(10)}{json.dumps(asdict(outcome))}")
        else:
            self.stderr.write(_summary(outcome))
        sys.exit(_exit_code(outcome))


def _numbers(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"\d+(,\d+)*", text):
        raise ArgumentTypeError(f"{text!r} is no list of numbers: write 0 or 0,1")
    return tuple(int(number) for number in text.split(","))


class _LastByte(io.BufferedIOBase):
    """Passes everything on at once, and knows whether it ended with a line's end."""

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        self.ended_line = True

    @override
    def write(self, data: Buffer, /) -> int:
        text = bytes(data)
        self.ended_line = text.endswith(b"\n") if text else self.ended_line
        return self._sink.write(text)

    @override
    def flush(self) -> None:
        self._sink.flush()


def _run(argv: list[str], options: dict[str, Any], out: _LastByte) -> Outcome:
    mounts = default_mounts()
    path = ":".join([f"{mounts[0].target}/bin", "/usr/local/bin", "/usr/bin", "/bin"]) if mounts else "/usr/bin:/bin"
    spec = BoxSpec(
        mounts=mounts,
        memory_bytes=parse_size(options["memory"]),
        disk_bytes=parse_size(options["disk"]),
        shm_bytes=parse_size(options["shm"]),
        output_bytes=parse_size(options["output"]),
        wall_s=options["wall"],
        cpu_s=options["cpu"],
        pids=options["pids"],
        inodes=options["inodes"],
        open_files=options["open_files"],
        cpus=options["cpus"],
        gpus=options["gpus"],
        warm=options["warm"],
        env={"PATH": path},
    )
    return run_program(open_backend(options["backend"]), spec, argv, cast("BinaryIO", out), sys.stderr.buffer)


def _summary(outcome: Outcome) -> str:
    used = outcome.usage
    met = f" (limits met: {', '.join(outcome.hits)})" if outcome.hits else ""
    return (
        f"{outcome.status}: {outcome.detail}{met}. Wall {used.wall_s:.3f} s, CPU {used.cpu_s:.3f} s, "
        f"peak memory {used.peak_memory_bytes / 2**20:.1f} MiB ({used.source})"
    )


def _exit_code(outcome: Outcome) -> int:
    """The program's own code; 128 + N for a signal, as a shell says it; 1 for a limit, 2 for our fault."""
    if outcome.exit_code is not None:
        return outcome.exit_code
    if outcome.signal is not None:
        return 128 + outcome.signal
    return 2 if outcome.status == "box_error" else 1
