"""The user of the site."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.db.models.functions import Lower
from typing_extensions import override


class Role(models.TextChoices):
    LEARNER = "learner", "Learner"
    INSTRUCTOR = "instructor", "Instructor"
    ADMIN = "admin", "Administrator"


class People(UserManager["User"]):
    """Addresses are kept in small letters: sign-in looks for them so."""

    use_in_migrations = False

    @classmethod
    @override
    def normalize_email(cls, email: str | None) -> str:
        return (email or "").strip().lower()


class User(AbstractUser):
    """A person who signs in with user name or e-mail. Names are compared without regard to case."""

    first_name = None  # type: ignore[assignment]  # one field for a name fits more of the world than two
    last_name = None  # type: ignore[assignment]
    display_name = models.CharField(max_length=80, blank=True)
    email = models.EmailField("e-mail address", unique=True)
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.LEARNER)

    objects: ClassVar[People] = People()

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("username"), name="user_username_once"),
            models.UniqueConstraint(Lower("email"), name="user_email_once"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="user_role_known"),
        ]

    @override
    def __str__(self) -> str:
        return self.get_full_name()

    @override
    def get_full_name(self) -> str:
        return self.display_name or self.username

    @override
    def get_short_name(self) -> str:
        return self.get_full_name()

    @property
    def is_teacher(self) -> bool:
        """May read every learner's work and the errors of content."""
        return self.is_superuser or self.role in (Role.INSTRUCTOR, Role.ADMIN)
