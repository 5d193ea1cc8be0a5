"""How allauth and axes meet this site."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter, get_adapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import render
from typing_extensions import override

from webapp.accounts.invitations import SESSION_KEY, invitation_of_session, invitation_use
from webapp.accounts.models import User
from webapp.accounts.names import clean_name
from webapp.accounts.signup import is_allowed_address, may_sign_up


@contextmanager
def use_up(request: HttpRequest) -> Iterator[Callable[[User], User]]:
    """One transaction for an account and the invitation it came by: two who share a link cannot both come in by it."""
    invitation = invitation_of_session(request)

    def use(user: User) -> User:
        if invitation is not None and not invitation_use(invitation=invitation, user=user):
            raise ImmediateHttpResponse(render(request, "account/signup_closed.html", status=403))
        return user

    with transaction.atomic():
        yield use
    request.session.pop(SESSION_KEY, None)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    @override
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return may_sign_up(request)

    @override
    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        with use_up(request) as use:
            return use(super().save_user(request, user, form, commit))


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    @override
    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """The provider's address has to be one that may have an account: the form that asks for one checks its own."""
        given = [sociallogin.user.email, *(address.email for address in sociallogin.email_addresses)]
        return may_sign_up(request) and all(is_allowed_address(email, request) for email in given if email)

    @override
    def populate_user(self, request: HttpRequest, sociallogin: Any, data: Mapping[str, Any]) -> User:
        user: User = super().populate_user(request, sociallogin, {**data, "name": ""})
        user.display_name = provider_name(data)
        return user

    @override
    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> User:
        if form is not None:
            saved: User = super().save_user(request, sociallogin, form)  # asks the adapter above to save
            return saved
        with use_up(request) as use:
            return use(super().save_user(request, sociallogin))


def provider_name(data: Mapping[str, Any]) -> str:
    """The name that a provider knows somebody by, where it is one that our own form would take."""
    parts = [str(data.get(key) or "") for key in ("first_name", "last_name")]
    try:
        return clean_name(str(data.get("name") or "") or " ".join(parts))[:80]
    except ValidationError:
        return ""


def client_ip(request: HttpRequest) -> str | None:
    """The address that sign-in limits count by: the same for allauth and axes, and safe behind RANKZERO_PROXIES.

    None for a request that came over no network (a command or a test that signs somebody in).
    """
    return str(get_adapter().get_client_ip(request)) if request.META.get("REMOTE_ADDR") else None


def login_name(request: HttpRequest, credentials: Mapping[str, str] | None = None) -> str:
    """What was typed as name or address: allauth calls it differently in the form and in the credentials."""
    given = credentials or {}
    name = given.get("username") or given.get("email") or request.POST.get("login", "")
    return name.strip().lower()[:255]
