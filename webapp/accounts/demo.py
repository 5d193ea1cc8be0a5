"""The three accounts of a fresh installation."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from django.db import transaction

from webapp.accounts.models import Role, User
from webapp.accounts.services import user_create
from webapp.config.paths import state_dir

PEOPLE = (("admin", Role.ADMIN), ("instructor", Role.INSTRUCTOR), ("learner", Role.LEARNER))
WORDS_LENGTH = 15  # characters; base32 without look-alikes, about 72 bits
ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
HEADER = "# Demo sign-ins of this installation: name, password, role. Change or delete them before others sign in.\n"


def demo_accounts_file() -> Path:
    return state_dir() / "demo_accounts.txt"


def demo_accounts_ensure() -> Path | None:
    """On an installation without users: make one account a role and keep the passwords in a private file.

    Returns that file when accounts were made, None when there are users already.
    """
    if User.objects.exists():
        return None
    accounts = [(name, new_password(), role) for name, role in PEOPLE]
    with transaction.atomic():
        for name, password, role in accounts:
            user_create(username=name, email=f"{name}@rankzero.localhost", password=password, role=role)
        write_private(demo_accounts_file(), accounts)  # inside: no account whose password nobody can know
    return demo_accounts_file()


def new_password() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(WORDS_LENGTH))


def write_private(path: Path, accounts: list[tuple[str, str, Role]]) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(HEADER)
        handle.writelines(f"{name:<11} {password}  {role}\n" for name, password, role in accounts)


def demo_account_forget(name: str) -> None:
    """Take a deleted account out of the file of passwords."""
    path = demo_accounts_file()
    if not path.is_file():
        return
    lines = path.read_text().splitlines(keepends=True)
    kept = [line for line in lines if line.startswith("#") or line.split(maxsplit=1)[:1] != [name]]
    if kept != lines:
        path.write_text("".join(kept))
