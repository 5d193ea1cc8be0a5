"""What `doctor` says of the machine that the site runs on: looked at beside the requests, and kept a while.

The look opens boxes, so a process of its own makes it, at most once a minute; a page never waits for it.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.utils import timezone
from redis.exceptions import RedisError

from webapp.config.paths import ROOT

FRESH = timedelta(seconds=60)
KEPT_S = 24 * 3600
LOOK_S = 120.0
_KEY, _LOOKING = "hardware:doctor", "hardware:looking"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """`limits`: (name, how, held); `versions` of the lab, by package; `problem`: why no box starts here, or ""."""

    at: datetime
    limits: tuple[tuple[str, str, bool], ...]
    versions: tuple[tuple[str, str], ...]
    problem: str


def facts() -> Facts | None:
    """The last look, however old, while a new one is made; None before the first."""
    try:
        found: Facts | None = cache.get(_KEY)
        if found is None or timezone.now() - found.at > FRESH:
            look_soon()
    except RedisError as error:
        log.warning("the hardware page has no cache: %s", error)
        return None
    return found


def look_soon() -> None:
    """One look at a time for the whole site."""
    if cache.add(_LOOKING, 1, timeout=FRESH.seconds):
        threading.Thread(target=look, name="hardware", daemon=True).start()


def look() -> None:
    try:
        report = doctor_report()
        cache.set(_KEY, facts_of(report), timeout=KEPT_S)
    except (OSError, ValueError, KeyError, subprocess.SubprocessError, RedisError):
        log.exception("doctor did not answer; the hardware page shows what it knew before")


def doctor_report() -> dict[str, Any]:
    """Its exit code says whether boxes start; the report says why not."""
    argv = [sys.executable, str(ROOT / "manage.py"), "doctor", "--json"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=LOOK_S, check=False, cwd=ROOT)
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def facts_of(report: dict[str, Any]) -> Facts:
    box, lab = report["sandbox"], report["lab"]
    return Facts(
        at=timezone.now(),
        limits=tuple((limit["name"], limit["how"], bool(limit["ok"])) for limit in box["limits"]),
        versions=(("Python", report["machine"]["python"]), *sorted(lab["versions"].items())),
        problem=box["error"] or lab["error"] or "",
    )
