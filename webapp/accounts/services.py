"""Writes about users."""

from __future__ import annotations

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from webapp.accounts.models import Role, User
from webapp.accounts.names import clean_name


@transaction.atomic
def user_create(*, username: str, email: str, password: str, display_name: str = "", role: Role = Role.LEARNER) -> User:
    """Raises ValidationError with the field that is wrong."""
    user = User(
        username=username, email=User.objects.normalize_email(email), display_name=clean_name(display_name), role=role
    )
    user.is_staff = user.is_superuser = role == Role.ADMIN
    validate_password(password, user)
    user.set_password(password)
    user.full_clean()
    user.save()
    # Whoever makes an account this way vouches for its address: no message has to prove it.
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def user_rename(*, user: User, display_name: str) -> User:
    """Raises ValidationError for a name that is too long, or has signs that cannot be seen."""
    return user_prefer(user=user, display_name=clean_name(display_name))


def user_prefer(*, user: User, **chosen: str) -> User:
    """What people choose for themselves: display_name, theme, contrast, time_zone, language."""
    assert chosen.keys() <= {"display_name", "theme", "contrast", "time_zone", "language"}
    for name, value in chosen.items():
        setattr(user, name, value)
    user.full_clean(exclude=["password"])
    user.save(update_fields=list(chosen))
    return user
