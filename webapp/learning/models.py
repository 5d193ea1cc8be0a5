"""What a learner has planned. The dated steps themselves are worked out anew each time: see plans_schedule.py."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from typing_extensions import override


class PlanKind(models.TextChoices):
    PART_TIME = "part_time", _("Part-time, 8 weeks")
    FULL_TIME = "full_time", _("Full-time, 2 weeks")
    INTENSIVE = "intensive", _("Intensive, 3 days")
    CUSTOM = "custom", _("Your own")


class StudyPlan(models.Model):
    """One plan of one person; the one without `ended_at` is in use, the others are history."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="study_plans")
    kind = models.CharField(max_length=16, choices=PlanKind.choices)
    start = models.DateField()
    weekdays = models.JSONField(default=list)  # numbers, Monday is 0
    lessons = models.JSONField(default=list, blank=True)  # slugs: what was chosen where the kind leaves a choice
    end = models.DateField(null=True, blank=True)  # custom: by this day, or
    hours_a_week = models.PositiveSmallIntegerField(null=True, blank=True)  # custom: so much a week
    time_of_day = models.TimeField(null=True, blank=True)  # of calendar entries; without it they are all-day
    time_zone = models.CharField(max_length=64)
    revision = models.PositiveIntegerField(default=0)  # SEQUENCE of the calendar: grows with every change of dates
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar[list[Any]] = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=models.Q(ended_at__isnull=True), name="plan_one_in_use"),
            models.CheckConstraint(condition=models.Q(kind__in=PlanKind.values), name="plan_kind_known"),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.user_id}: {self.kind} from {self.start}"


class PlanStep(models.Model):
    """What a person did to one step: ticked it, or gave it other days. A step without a row is as the plan says."""

    plan = models.ForeignKey(StudyPlan, on_delete=models.CASCADE, related_name="steps")
    key = models.CharField(max_length=200)
    ticked_at = models.DateTimeField(null=True, blank=True)
    begins = models.DateField(null=True, blank=True)
    due = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["plan", "key"], name="plan_step_once"),
            models.CheckConstraint(
                condition=models.Q(begins__isnull=True, due__isnull=True) | models.Q(due__gte=models.F("begins")),
                name="plan_step_days_in_order",
            ),
        ]

    @override
    def __str__(self) -> str:
        return f"{self.plan_id}: {self.key}"


class PlanFeed(models.Model):
    """The secret address of a person's calendar. Whoever knows it may read the plan, so it can be changed."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="plan_feed")
    token = models.CharField(max_length=64, unique=True)
    made_at = models.DateTimeField(default=timezone.now)

    @override
    def __str__(self) -> str:
        return f"calendar of {self.user_id}"
