"""Keeps the platform's own secrets out of everything that a learner may read.

No box ever holds one; this is for our own mistakes, such as an error text that quotes a connection's address.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver

SHOWN = "[redacted]"
SHORTEST = 8  # anything shorter could be a word that learners print


def redact(text: str) -> str:
    """`text` with every secret of this installation replaced; other text comes back as it was."""
    pattern = _pattern()
    return pattern.sub(SHOWN, text) if pattern else text


def redacted(value: Any) -> Any:
    """The same for JSON data: strings at any depth, keys included."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {redact(str(key)): redacted(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(item) for item in value]
    return value


def platform_secrets() -> frozenset[str]:
    """The closed list: keys, passwords and tokens from the settings, as they are and as addresses quote them."""
    found = [
        settings.SECRET_KEY,
        *getattr(settings, "SECRET_KEY_FALLBACKS", ()),
        *(str(database.get("PASSWORD") or "") for database in settings.DATABASES.values()),
        urlsplit(settings.REDIS_URL).password or "",
        getattr(settings, "EMAIL_HOST_PASSWORD", "") or "",
        getattr(settings, "METRICS_TOKEN", "") or "",
        *(str(app.get("secret") or "") for app in _oidc_apps()),
    ]
    return frozenset(form for secret in found for form in (secret, unquote(secret)) if len(form) >= SHORTEST)


def _oidc_apps() -> list[dict[str, Any]]:
    providers: dict[str, Any] = settings.SOCIALACCOUNT_PROVIDERS
    return [app for provider in providers.values() for app in provider.get("APPS", [])]


@cache
def _pattern() -> re.Pattern[str] | None:
    """Made once: a flood of lines asks for it. Longest first, because one secret may begin with another."""
    secrets = sorted(platform_secrets(), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, secrets))) if secrets else None


@receiver(setting_changed)
def _forget(**_: object) -> None:
    """Settings change in tests only."""
    _pattern.cache_clear()
