"""Invitations: made by teachers and operators, carried in the visitor's session, used once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.sessions.backends.base import SessionBase
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from webapp.accounts.models import Invitation, User
from webapp.accounts.secretkeys import digest_of, new_secret

SESSION_KEY = "invitation"


def invitation_create(
    *, made_by: User | None, email: str = "", expires_at: datetime | None = None
) -> tuple[Invitation, str]:
    """The invitation and its secret, which is known now and never again. Raises ValidationError for a bad address."""
    secret = new_secret()
    invitation = Invitation(
        made_by=made_by, email=User.objects.normalize_email(email), digest=digest_of(secret), expires_at=expires_at
    )
    invitation.full_clean()
    invitation.save()
    return invitation, secret


def invitation_revoke(*, invitation: Invitation) -> None:
    """One that was used stays: it tells who came by it."""
    Invitation.objects.filter(pk=invitation.pk, used_at__isnull=True).delete()


def invitation_use(*, invitation: Invitation, user: User) -> bool:
    """False when somebody else used it meanwhile, or its time ran out."""
    now = timezone.now()
    return open_invitations(now).filter(pk=invitation.pk).update(used_at=now, used_by=user) == 1


def open_invitations(now: datetime) -> QuerySet[Invitation]:
    return Invitation.objects.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=now), used_at__isnull=True)


def invitation_list() -> QuerySet[Invitation]:
    """Open ones first, then the newest."""
    newest_first = (F("used_at").desc(nulls_first=True), "-created_at")
    return Invitation.objects.select_related("made_by", "used_by").order_by(*newest_first)[:200]


def invitation_with(secret: str) -> Invitation | None:
    return open_invitations(timezone.now()).filter(digest=digest_of(secret)).first()


def invitation_take(session: SessionBase, secret: str) -> Invitation | None:
    """Remember it for the sign-up that follows."""
    found = invitation_with(secret)
    if found is not None:
        session[SESSION_KEY] = found.pk
    return found


def invitation_of_session(request: HttpRequest) -> Invitation | None:
    session: Any = getattr(request, "session", None)
    key = session.get(SESSION_KEY) if session is not None else None
    return open_invitations(timezone.now()).filter(pk=key).first() if key else None
