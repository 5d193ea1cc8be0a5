"""`manage.py invite [e-mail]`: a link by which one person can make an account."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse
from django.utils import timezone
from typing_extensions import override

from webapp.accounts.invitations import invitation_create

LONGEST_DAYS = 3650


class Command(BaseCommand):
    help = "Prints a link by which one person can make an account (RANKZERO_SIGNUP=invite, or domain)."

    @override
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", nargs="?", default="", help="the only address it works for (default: any)")
        parser.add_argument("--days", type=int, default=30, help="it ends after so many days; 0 for never (default 30)")

    @override
    def handle(self, *args: Any, **options: Any) -> None:
        days = options["days"]
        if not 0 <= days <= LONGEST_DAYS:
            raise CommandError(f"--days is a number from 0 to {LONGEST_DAYS}")
        if settings.SIGNUP == "closed":
            raise CommandError("This site makes no accounts: RANKZERO_SIGNUP is closed. Set it to invite first.")
        expires_at = timezone.now() + timedelta(days=days) if days else None
        try:
            _invitation, secret = invitation_create(made_by=None, email=options["email"], expires_at=expires_at)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        origin = settings.CSRF_TRUSTED_ORIGINS[0] if settings.CSRF_TRUSTED_ORIGINS else "http://127.0.0.1:8000"
        self.stdout.write(origin + reverse("invitation", args=[secret]))
