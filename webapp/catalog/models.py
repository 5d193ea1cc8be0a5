"""The database's mirror of the lessons' folders."""

from __future__ import annotations

from django.conf import settings
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


class Reading(models.Model):
    """How far a person has read in one lesson: section by section, and where the page was left."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="readings")
    lesson = models.SlugField(max_length=80)
    sections = models.JSONField(default=list)  # ids of the headings that were read to their end
    place = models.CharField(max_length=200, blank=True)  # id of the heading where the page was left
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "lesson"], name="reading_once")]

    @override
    def __str__(self) -> str:
        return f"{self.user_id} in {self.lesson}"


class QuizAnswer(models.Model):
    """A person's last answer to one quiz. `was_correct` stays true once it was."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="quiz_answers")
    lesson = models.SlugField(max_length=80)
    quiz = models.SlugField(max_length=80)
    answer = models.CharField(max_length=40)
    correct = models.BooleanField()
    was_correct = models.BooleanField()
    tries = models.PositiveIntegerField(default=1)
    answered_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "lesson", "quiz"], name="quiz_answer_once")]

    @override
    def __str__(self) -> str:
        return f"{self.user_id}: {self.lesson}/{self.quiz}"


class SearchDocument(models.Model):
    """One place that search finds. The databases index the `…_words`, which search/words.py makes.

    SQLite keeps an FTS5 table beside this one by triggers, PostgreSQL a generated column (migration 0003). On SQLite a
    later migration that alters this model remakes its table and so loses the triggers: it must make them again.
    """

    key = models.CharField(max_length=300, unique=True)
    kind = models.SlugField(max_length=40)
    title = models.CharField(max_length=300)
    heading = models.CharField(max_length=300, blank=True)
    text = models.TextField(blank=True)
    url = models.CharField(max_length=500)
    title_words = models.TextField(blank=True)
    heading_words = models.TextField(blank=True)
    body_words = models.TextField(blank=True)
    content_hash = models.CharField(max_length=64)

    @override
    def __str__(self) -> str:
        return self.key


class SearchState(models.Model):
    """One row: which content the search index was made from, and when."""

    digest = models.CharField(max_length=64)
    refreshed_at = models.DateTimeField(auto_now=True)

    @override
    def __str__(self) -> str:
        return self.digest
