"""Classes: who is in them, and what they limit."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from typing_extensions import override

from webapp.catalog.models import Exercise


class Cohort(models.Model):
    """A class of learners."""

    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=80, unique=True)
    gpu_minutes_per_day = models.PositiveIntegerField(
        null=True, blank=True
    )  # of each learner; None: the site's setting
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    @override
    def __str__(self) -> str:
        return self.name


class Enrolment(models.Model):
    cohort = models.ForeignKey(Cohort, on_delete=models.CASCADE, related_name="enrolments")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="enrolments")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at"]
        constraints = [models.UniqueConstraint(fields=["cohort", "user"], name="enrolled_once")]

    @override
    def __str__(self) -> str:
        return f"{self.user_id} in {self.cohort_id}"


class AttemptCap(models.Model):
    """How many attempts each learner of a cohort has at an exercise; without one they are unlimited."""

    cohort = models.ForeignKey(Cohort, on_delete=models.CASCADE, related_name="caps")
    exercise = models.ForeignKey(Exercise, on_delete=models.CASCADE, related_name="caps")
    attempts = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["cohort", "exercise"]
        constraints = [
            models.UniqueConstraint(fields=["cohort", "exercise"], name="attempt_cap_once"),
            models.CheckConstraint(condition=Q(attempts__gte=1), name="attempt_cap_positive"),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.attempts} at {self.exercise_id} in {self.cohort_id}"
