"""The database's mirror of the lessons' folders."""

from __future__ import annotations

from django.db import models
from typing_extensions import override


class Exercise(models.Model):
    """One exercise, known by its manifest's permanent id: a renamed folder keeps its submissions."""

    id = models.UUIDField(primary_key=True)
    lesson = models.SlugField(max_length=80)
    slug = models.SlugField(max_length=80)
    title = models.CharField(max_length=200)
    content_hash = models.CharField(max_length=64)
    is_present = models.BooleanField(default=True)  # False: its folder is gone or broken at the last sync
    synced_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["lesson", "slug"]
        constraints = [
            models.UniqueConstraint(
                fields=["lesson", "slug"], condition=models.Q(is_present=True), name="exercise_place_once"
            ),
        ]

    @override
    def __str__(self) -> str:
        return self.key

    @property
    def key(self) -> str:
        return f"{self.lesson}/{self.slug}"
