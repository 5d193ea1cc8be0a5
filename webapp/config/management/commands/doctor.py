"""`python manage.py doctor`: what this machine has, what runs on it, which sandbox limits hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from typing_extensions import override

from sandbox import doctor


class Command(BaseCommand):
    help = "Shows hardware, the tiers that can run, how each sandbox limit is enforced, versions. Exit 1 if no box."
    requires_system_checks: list[str] = []

    @override
    @override
    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true")

    @override
    @override
    def handle(self, *args: Any, **options: Any) -> None:
        report = doctor.report()
        self.stdout.write(json.dumps(report, indent=2) if options["json"] else "\n".join(_lines(report)))
        if not report["sandbox"]["ok"]:
            raise SystemExit(1)


def _lines(report: dict[str, Any]) -> Iterator[str]:
    machine, box, lab = report["machine"], report["sandbox"], report["lab"]
    yield f"{machine['system']}, Python {machine['python']}, {machine['cores']} cores, {machine['memory_mib']} MiB"
    yield "GPUs: " + ("; ".join(f"{gpu['name']} ({gpu['memory']})" for gpu in report["gpus"]) or "none")
    yield "Tiers that can run: " + (", ".join(tier for tier, ready in report["tiers"].items() if ready) or "none")
    yield f"Sandbox through {box['through']}: {'ok' if box['ok'] else box['error']}"
    for name, backend in box["backends"].items():
        yield f"{name}: {'ok' if backend['ok'] else backend['error']}"
        yield from (
            f"  {'held ' if limit['ok'] else 'NOT HELD'}  {limit['name']:<12} {limit['how']}"
            for limit in backend["limits"]
        )
    yield from _boxd_lines(box["boxd"])
    versions = ", ".join(f"{name} {version}" for name, version in lab["versions"].items())
    yield f"Lab: {versions if lab['ok'] else lab['error']}"
    yield f"Assets: {', '.join(lab['assets']) or 'none'}"
    for name in sorted(report.keys() - {"machine", "gpus", "sandbox", "lab", "tiers"}):
        yield f"{name}: {json.dumps(report[name])}"


def _boxd_lines(boxd: dict[str, Any] | None) -> Iterator[str]:
    """What the running boxd has in hand; nothing where boxes are made by this process."""
    if boxd is None:
        return
    if "error" in boxd:
        yield f"boxd: {boxd['error']}"
        return
    cores = f"cores {boxd['cores']['all']}, of which {boxd['cores']['shared']} shared"
    yield f"boxd: {len(boxd['boxes'])} boxes, {len(boxd['pods'])} pods; {cores}"
    for name, warm in boxd["warm"].items():
        yield f"  warm boxes of {name}: {json.dumps(warm)}"
    for lease in boxd["leases"]:
        state = "waits for" if lease["waiting"] else f"has cores {lease['cores']}, GPUs {lease['gpus']} of"
        wanted = f"{lease['wanted_cores']} cores, {lease['wanted_gpus']} GPUs"
        yield f"  lease: {lease['owner']} {state} {wanted}, {lease['age_s']:.0f} s"
