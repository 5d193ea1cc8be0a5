"""What every template is given."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from webapp.catalog.contexts import LabNotice
from webapp.config.lab import lab_state


def site(request: HttpRequest) -> dict[str, Any]:
    """`lab`: LabNotice while nothing can run, else None. `signup_open`: whether anyone may make an account."""
    return {"lab": lab_notice(), "signup_open": settings.SIGNUP in ("open", "domain")}


def lab_notice() -> LabNotice | None:
    lab = lab_state()
    if lab.state == "ready":
        return None
    return LabNotice(state=lab.state, text=lab.text, percent=round(100 * lab.done))
