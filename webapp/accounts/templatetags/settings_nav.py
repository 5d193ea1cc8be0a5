"""{% settings_nav %}: the pages of a person's settings, the present one marked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import template
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from webapp.accounts.models import User

register = template.Library()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    label: str | Promise
    icon: str
    url: str
    is_here: bool


PAGES: tuple[tuple[str | Promise, str, str, tuple[str, ...]], ...] = (
    (_("Profile"), "user", "profile", ()),
    (_("E-mail"), "mail", "account_email", ("account_email_verification_sent",)),
    (_("Password"), "lock", "account_change_password", ("account_set_password",)),
    (_("Two-factor sign-in"), "shield", "mfa_index", ("mfa_",)),
    (_("Linked accounts"), "link", "socialaccount_connections", ()),
    (_("API tokens"), "key", "tokens", ()),
    (_("Your data"), "download", "data", ("account_delete",)),
    (_("Invitations"), "users", "invitations", ()),
)


@register.inclusion_tag("accounts/_nav.html", takes_context=True)
def settings_nav(context: dict[str, Any]) -> dict[str, Any]:
    request: HttpRequest = context["request"]
    here = (request.resolver_match and request.resolver_match.url_name) or ""
    pages = [
        Page(label=label, icon=icon, url=reverse(name), is_here=here == name or any(here.startswith(o) for o in others))
        for label, icon, name, others in PAGES
        if is_shown(name, request)
    ]
    return {"pages": pages}


def is_shown(name: str, request: HttpRequest) -> bool:
    if name == "socialaccount_connections":
        return bool(settings.SOCIALACCOUNT_PROVIDERS)
    return name != "invitations" or (isinstance(request.user, User) and request.user.is_teacher)
