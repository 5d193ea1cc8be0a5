"""`python -m webapp.submissions.bench_queue.people <n>`: n learners of a bench's site, already signed in.

Prints the keys of their sessions as JSON. The bench measures runs, not sign-ins.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from webapp.accounts.models import User


def people(count: int) -> list[User]:
    """That many learners of the bench, made where they are missing."""
    from webapp.accounts.models import User

    return [
        User.objects.get_or_create(username=f"bench{number}", email=f"bench{number}@example.org")[0]
        for number in range(count)
    ]


def main(count: int) -> list[str]:
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    keys = []
    for user in people(count):
        session = SessionStore()
        session[SESSION_KEY] = str(user.pk)
        session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.create()
        keys.append(str(session.session_key))
    return keys


if __name__ == "__main__":
    django.setup()
    sys.stdout.write(json.dumps(main(int(sys.argv[1]))))
