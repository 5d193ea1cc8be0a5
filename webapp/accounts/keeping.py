"""What this app, and the libraries it signs people in with, hold of a person."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.db.models import Model, Q, QuerySet

from webapp.accounts.demo import demo_account_forget
from webapp.accounts.mail import kept_mail_delete
from webapp.accounts.models import ApiToken, Invitation, User
from webapp.accounts.personal import Files, Keeper, document, listing

SIGN_INS: tuple[type[Model], ...] = (AccessAttempt, AccessFailureLog, AccessLog)
PROFILE = (
    "username", "display_name", "email", "role", "theme", "contrast", "time_zone", "language", "date_joined",
    "last_login", "is_active",
)  # fmt: skip


def export(user: User) -> Files:
    yield "profile.json", document({name: getattr(user, name) for name in PROFILE})
    yield from listing("addresses", EmailAddress.objects.filter(user=user), "email", "verified", "primary")
    yield from listing("second_factors", Authenticator.objects.filter(user=user), "type", "created_at", "last_used_at")
    linked = SocialAccount.objects.filter(user=user)
    yield from listing("linked_accounts", linked, "provider", "uid", "date_joined", "last_login", "extra_data")
    tokens = ApiToken.objects.filter(user=user)
    yield from listing("tokens", tokens, "name", "prefix", "scope", "created_at", "expires_at", "last_used_at")
    made = Invitation.objects.filter(Q(made_by=user) | Q(used_by=user))
    yield from listing("invitations", made, "email", "created_at", "expires_at", "used_at")
    for model in SIGN_INS:
        kept = ("username", "ip_address", "user_agent", "attempt_time")
        yield from listing(f"sign_ins_{model.__name__.lower()}", signs_in_of(model, user), *kept)


def erase(user: User) -> None:
    """What points at nobody: sign-ins by name, messages, invitations to the address, the list of demo accounts."""
    for model in SIGN_INS:
        signs_in_of(model, user).delete()
    Invitation.objects.filter(Q(used_by=user) | Q(email__in=addresses(user))).delete()
    kept_mail_delete(addresses(user))
    demo_account_forget(user.username)


def addresses(user: User) -> set[str]:
    """In small letters."""
    others = EmailAddress.objects.filter(user=user).values_list("email", flat=True)
    return {email.lower() for email in (user.email, *others) if email}


def signs_in_of(model: type[Model], user: User) -> QuerySet[Model]:
    """They are kept by what was typed, in small letters."""
    return model._default_manager.filter(username__in={user.username.lower(), *addresses(user)})


KEEPER = Keeper(
    name="account",
    models=(
        "accounts.Invitation",
        "accounts.ApiToken",
        "account.EmailAddress",
        "mfa.Authenticator",
        "socialaccount.SocialAccount",
    ),
    export=export,
    erase=erase,
)
