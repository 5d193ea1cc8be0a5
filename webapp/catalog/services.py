"""Writes about the catalog: the mirror of the folders in the database."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q

from lessons.loader import Course
from lessons.loader import Exercise as Content
from webapp.catalog.course import course, course_forget
from webapp.catalog.models import Exercise
from webapp.catalog.search.index import index_refresh


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncResult:
    present: int
    gone: int
    problems: tuple[str, ...]


def catalog_sync() -> SyncResult:
    """Make the mirror and the search index equal to the folders."""
    course_forget()
    result = course_mirror(course())
    index_refresh()
    return result


@transaction.atomic
def course_mirror(now: Course) -> SyncResult:
    """Exercises that are gone or broken keep their rows, marked absent."""
    contents = {content.manifest.id: content for lesson in now.lessons for content in lesson.exercises}
    gone = Exercise.objects.filter(is_present=True).exclude(pk__in=contents).update(is_present=False)
    Exercise.objects.filter(pk__in=contents).update(is_present=False)  # two that swap names never collide
    for content in contents.values():
        write_mirror(content)
    return SyncResult(present=len(contents), gone=gone, problems=tuple(str(error) for error in now.errors))


@transaction.atomic
def exercise_mirror(content: Content) -> Exercise:
    """The row of one exercise, written if the folder is newer than the last sync."""
    row = Exercise.objects.filter(pk=content.manifest.id).first()
    if row and row.is_present and row.key == content.key and row.content_hash == content.content_hash:
        return row
    return write_mirror(content)


def write_mirror(content: Content) -> Exercise:
    identity = content.manifest.id
    place = Q(lesson=content.lesson, slug=content.slug, is_present=True)
    Exercise.objects.filter(place).exclude(pk=identity).update(is_present=False)
    row, _ = Exercise.objects.update_or_create(
        pk=identity,
        defaults={
            "lesson": content.lesson,
            "slug": content.slug,
            "title": content.manifest.title,
            "content_hash": content.content_hash,
            "is_present": True,
        },
    )
    return row
