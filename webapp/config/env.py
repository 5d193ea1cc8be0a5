"""Typed reading of RANKZERO_* variables. A wrong value stops the program with one line that says what to write."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.conf.locale import LANG_INFO
from django.core.exceptions import ImproperlyConfigured

PREFIX = "RANKZERO_"


def env_str(name: str, default: str = "") -> str:
    return os.environ.get(PREFIX + name, "").strip() or default


def env_bool(name: str, *, default: bool) -> bool:
    value = env_str(name)
    if value not in ("", "True", "False"):
        raise ImproperlyConfigured(f"{PREFIX}{name} is {value!r}; write True or False")
    return default if value == "" else value == "True"


def env_int(name: str, default: int, *, low: int = 0, high: int = 2**31) -> int:
    value = env_str(name, str(default))
    if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
        raise ImproperlyConfigured(f"{PREFIX}{name} is {value!r}; write a whole number from {low} to {high}")
    return int(value)


def env_list(name: str, default: str = "") -> list[str]:
    return [item.strip() for item in env_str(name, default).split(",") if item.strip()]


def env_choice(name: str, default: str, choices: tuple[str, ...]) -> str:
    value = env_str(name, default)
    if value not in choices:
        raise ImproperlyConfigured(f"{PREFIX}{name} is {value!r}; write one of {', '.join(choices)}")
    return value


def env_secret(name: str) -> str:
    """The variable itself, or the content of the file that NAME_FILE names (container secrets)."""
    file = env_str(name + "_FILE")
    if not file:
        return env_str(name)
    try:
        return Path(file).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{PREFIX}{name}_FILE names {file}, which cannot be read: {error}") from error


def languages(codes: list[str]) -> list[tuple[str, str]]:
    """Code and own name of each, such as ("de", "Deutsch"). English is always among them: the sources speak it."""
    unknown = [code for code in codes if "name_local" not in LANG_INFO.get(code, {})]
    if unknown or "en" not in codes:
        wrong = f"does not know {', '.join(unknown)}" if unknown else "has to name en, the language of the sources"
        raise ImproperlyConfigured(f"RANKZERO_LANGUAGES {wrong}; write codes such as en,de,pt-br")
    return [(code, LANG_INFO[code]["name_local"]) for code in dict.fromkeys(codes)]


def signup() -> tuple[str, list[str]]:
    """Who may make an account (open, invite, domain, closed; True and False say open and closed), and the domains."""
    choices = ("open", "invite", "domain", "closed", "True", "False")
    mode = env_choice("SIGNUP", "open", choices)
    mode = {"True": "open", "False": "closed"}.get(mode, mode)
    domains = [domain.lower().removeprefix("@") for domain in env_list("SIGNUP_DOMAINS")]
    if bool(domains) != (mode == "domain") or not all("." in domain and "@" not in domain for domain in domains):
        raise ImproperlyConfigured(
            f"{PREFIX}SIGNUP=domain and {PREFIX}SIGNUP_DOMAINS go together; write domains such as a.org,b.edu"
        )
    return mode, domains


def secret_key(state: Path) -> str:
    """The signing key: RANKZERO_SECRET_KEY, else <state>/secret_key, which is made with mode 600 when missing."""
    given = env_secret("SECRET_KEY")
    if given:
        return given
    path = state / "secret_key"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return read_key(path)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(os.urandom(48).hex())
    return path.read_text()


def read_key(path: Path) -> str:
    key = path.read_text().strip()
    if len(key) < 50:
        raise ImproperlyConfigured(f"{path} holds no key: delete it, and a new one is made (all sign-ins end)")
    return key


def database(state: Path) -> dict[str, Any]:
    """RANKZERO_DATABASE_URL (postgresql://user:password@host:port/name), else SQLite in the state folder.

    A server on this machine is named by its sockets' folder, as libpq does it: postgresql://user@/name?host=/folder.
    """
    url = env_secret("DATABASE_URL")
    if not url:
        return sqlite(state / "db.sqlite3")
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres") or not parts.path.strip("/"):
        raise ImproperlyConfigured("RANKZERO_DATABASE_URL must be postgresql://user:password@host:port/name")
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or "") or options.pop("host", ""),
        "PORT": str(parts.port or "") or options.pop("port", ""),
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


def sqlite(path: Path) -> dict[str, Any]:
    """Writers queue for up to 20 s; IMMEDIATE takes the write lock at BEGIN, so no transaction dies half-way for it."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-16000;",
        },
        "TEST": {"NAME": path.with_name("test.sqlite3")},
    }


def mail() -> dict[str, Any]:
    """Settings for mail from RANKZERO_EMAIL_URL (smtp:// or smtps://user:password@host:port)."""
    parts = urlsplit(env_secret("EMAIL_URL"))
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ImproperlyConfigured("RANKZERO_EMAIL_URL must be smtp://user:password@host:port (or smtps://)")
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if parts.scheme == "smtps" else 587),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp" and bool(parts.username),
        "EMAIL_TIMEOUT": 20,
    }
