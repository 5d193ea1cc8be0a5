"""Who may make an account: everybody, whoever was invited, whoever has an address of a domain, or nobody."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from webapp.accounts.invitations import invitation_of_session


def may_sign_up(request: HttpRequest) -> bool:
    """An invitation opens a site that takes domains only, too; where sign-up is closed nothing opens it."""
    if settings.SIGNUP in ("open", "domain"):
        return True
    return settings.SIGNUP == "invite" and invitation_of_session(request) is not None


def is_allowed_address(email: str, request: HttpRequest | None = None) -> bool:
    """Whether an account may have this address: for sign-up of any kind, and for addresses that are added later."""
    invitation = invitation_of_session(request) if request is not None else None
    if invitation is not None:
        return not invitation.email or invitation.email == email.strip().lower()
    return settings.SIGNUP != "domain" or email.strip().lower().rpartition("@")[2] in settings.SIGNUP_DOMAINS
