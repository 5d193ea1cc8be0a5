"""Deletes an account and all that is of it. What others decided stays, without a name."""

from __future__ import annotations

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q

from webapp.accounts.models import Role, User
from webapp.accounts.personal import keepers


class LastAdministratorError(Exception):
    """Somebody has to be left who can run the site."""


def user_delete(*, user: User) -> None:
    """Raises LastAdministratorError or StillBusyError; then the account is still there, and deleting can be repeated.

    First what runs is stopped, then every app lets go of what it holds (in short transactions, as there can be much),
    and the row and what hangs on it go last.
    """
    key = str(user.pk)  # Django takes it off the object that is deleted
    check_not_last(user)
    for keeper in keepers():
        keeper.stop(user)
    for keeper in reversed(keepers()):  # apps that know more first: what they hold hangs on what the others hold
        keeper.erase(user)
    with transaction.atomic():
        check_not_last(user)
        user.delete()
    sessions_end(key)


def check_not_last(user: User) -> None:
    """Inside the transaction that deletes, two administrators who go at once wait for each other here."""
    administrators = User.objects.filter(Q(role=Role.ADMIN) | Q(is_superuser=True), is_active=True)
    with transaction.atomic():
        keys = set(administrators.select_for_update().values_list("pk", flat=True))
    if keys == {user.pk}:
        raise LastAdministratorError


def sessions_end(key: str) -> None:
    """On every device. A session's content is packed, so each is looked into."""
    found = [s.pk for s in Session.objects.iterator() if s.get_decoded().get("_auth_user_id") == key]
    Session.objects.filter(pk__in=found).delete()
