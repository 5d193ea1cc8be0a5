"""API tokens: `rz_<prefix>_<secret>`, sent as `Authorization: Bearer …`. Scope `submit` includes `read`."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from webapp.accounts.models import ApiToken, User
from webapp.accounts.secretkeys import digest_of, matches, new_secret

MARK = "rz"
MOST = 20  # tokens a person
NOTED_EVERY = timedelta(minutes=5)  # a program that asks ten times a second writes "last used" once in this time
NO_SECRET = digest_of("")  # compared with when there is no such token: the answer takes as long


def token_create(*, user: User, name: str, scope: str, expires_at: datetime | None) -> tuple[ApiToken, str]:
    """The token's row and the token itself, which is known now and never again. Raises ValidationError."""
    if user.api_tokens.count() >= MOST:
        raise ValidationError(_("You have %(number)d tokens. Revoke one that you no longer use.") % {"number": MOST})
    secret = new_secret()
    token = ApiToken(
        user=user, name=name, scope=scope, expires_at=expires_at, prefix=secrets.token_hex(4), digest=digest_of(secret)
    )
    token.full_clean()
    token.save()
    return token, f"{MARK}_{token.prefix}_{secret}"


def token_revoke(*, user: User, pk: int) -> bool:
    return bool(ApiToken.objects.filter(user=user, pk=pk).delete()[0])


def tokens_of(user: User) -> QuerySet[ApiToken]:
    return ApiToken.objects.filter(user=user)


def user_of_token(request: HttpRequest, *, scope: str = ApiToken.Scope.READ) -> ApiToken | None:
    """The token (and by it its `user`) that the request carries, if it is good for `scope` now; else None."""
    kind, _space, value = request.headers.get("Authorization", "").partition(" ")
    mark, _dash, rest = value.strip().partition("_")
    prefix, _dash, secret = rest.partition("_")
    if kind.lower() != "bearer" or mark != MARK or not prefix.isascii() or len(value) > 200:
        return None
    token = ApiToken.objects.select_related("user").filter(prefix=prefix).first()
    is_right = matches(secret, token.digest if token is not None else NO_SECRET)
    now = timezone.now()
    if token is None or not is_right or not token.user.is_active or token.has_expired(now):
        return None
    if scope == ApiToken.Scope.SUBMIT and token.scope != ApiToken.Scope.SUBMIT:
        return None
    note_use(token, now)
    return token


def note_use(token: ApiToken, now: datetime) -> None:
    """One write in a while, whoever else asks at the same time."""
    before = now - NOTED_EVERY
    if token.last_used_at is not None and token.last_used_at > before:
        return
    old = Q(last_used_at__isnull=True) | Q(last_used_at__lte=before)
    ApiToken.objects.filter(old, pk=token.pk).update(last_used_at=now)
