"""The user of the site, and what lets people and programs in."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from typing_extensions import override


class Role(models.TextChoices):
    LEARNER = "learner", _("Learner")
    INSTRUCTOR = "instructor", _("Instructor")
    ADMIN = "admin", _("Administrator")


class Theme(models.TextChoices):
    SYSTEM = "system", _("As this device")
    LIGHT = "light", _("Light")
    DARK = "dark", _("Dark")


class Contrast(models.TextChoices):
    SYSTEM = "system", _("As this device")
    MORE = "more", _("More contrast")


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
    email = models.EmailField(_("e-mail address"), unique=True)
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.LEARNER)

    theme = models.CharField(max_length=8, choices=Theme.choices, default=Theme.SYSTEM)
    contrast = models.CharField(max_length=8, choices=Contrast.choices, default=Contrast.SYSTEM)
    time_zone = models.CharField(max_length=64, blank=True)  # "": the site's
    language = models.CharField(max_length=16, blank=True)  # "": what the browser asks for

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


class Invitation(models.Model):
    """Lets one person make an account where the site is not open to all. Only a digest of its secret is kept."""

    digest = models.CharField(max_length=64, unique=True)
    email = models.EmailField(blank=True)  # "": for whoever has the link
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="invitations"
    )
    used_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="invited_with"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    @override
    def __str__(self) -> str:
        return f"invitation {self.pk}"

    @property
    def is_open(self) -> bool:
        return self.used_at is None and (self.expires_at is None or self.expires_at > timezone.now())


class ApiToken(models.Model):
    """Lets a program act for a person. Only a digest of it is kept; `prefix` is the part that is shown again."""

    class Scope(models.TextChoices):
        READ = "read", _("Read")
        SUBMIT = "submit", _("Read and submit")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=60)
    prefix = models.CharField(max_length=16, unique=True)
    digest = models.CharField(max_length=64)
    scope = models.CharField(max_length=8, choices=Scope.choices)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=models.Q(scope__in=("read", "submit")), name="api_token_scope_known"),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.prefix} of {self.user_id}"

    def has_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now
