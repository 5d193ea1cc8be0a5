"""Secrets that are shown once and kept as digests. They are random and long, so a fast digest is enough."""

from __future__ import annotations

import hashlib
import hmac
import secrets


def new_secret() -> str:
    """192 random bits, safe in an address."""
    return secrets.token_urlsafe(24)


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def matches(secret: str, digest: str) -> bool:
    """In a time that tells nothing of where the two differ."""
    return hmac.compare_digest(digest_of(secret), digest)
