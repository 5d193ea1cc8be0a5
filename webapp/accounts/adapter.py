"""How allauth and axes meet this site."""

from __future__ import annotations

from collections.abc import Mapping

from allauth.account.adapter import DefaultAccountAdapter, get_adapter
from django.conf import settings
from django.http import HttpRequest
from typing_extensions import override


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    @override
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.SIGNUP_OPEN)


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
