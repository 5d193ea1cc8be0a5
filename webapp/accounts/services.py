"""Writes about users."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from webapp.accounts.models import Role, User


@transaction.atomic
def user_create(*, username: str, email: str, password: str, display_name: str = "", role: Role = Role.LEARNER) -> User:
    """Raises ValidationError with the field that is wrong."""
    user = User(username=username, email=User.objects.normalize_email(email), display_name=display_name, role=role)
    user.is_staff = user.is_superuser = role == Role.ADMIN
    validate_password(password, user)
    user.set_password(password)
    user.full_clean()
    user.save()
    return user


def user_rename(*, user: User, display_name: str) -> User:
    """Raises ValidationError for a name that is too long."""
    user.display_name = display_name.strip()
    user.full_clean(exclude=["password"])
    user.save(update_fields=["display_name"])
    return user
