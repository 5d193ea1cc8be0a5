"""The pictures of a lesson's folder: only those that its text refers to, and only as pictures."""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path

import imagesize  # type: ignore[import-untyped]
from django.urls import reverse
from django.utils.html import format_html

from lessons.loader import Lesson
from lessons.pictures import KINDS, picture_read
from webapp.catalog.contexts import Picture
from webapp.catalog.markdown import PictureSource


def picture_find(lesson: Lesson, name: str) -> Picture | None:
    """None for a file that the lesson does not refer to, or that went since it was loaded."""
    if name not in lesson.pictures or lesson.folder is None:
        return None
    try:
        data = picture_read(lesson.folder, name)
    except ValueError:
        return None
    return Picture(data=data, content_type=KINDS[Path(name).suffix])


def picture_html(lesson: Lesson, source: PictureSource) -> str:
    """The element, with its size so that nothing moves when it arrives; the text alone where it cannot be shown."""
    found = picture_find(lesson, source.address)
    if found is None:
        return format_html("<span>{}</span>", source.alt)
    width, height = picture_size(found.data)
    size = format_html(' width="{}" height="{}"', width, height) if width > 0 and height > 0 else ""
    title = format_html(' title="{}"', source.title) if source.title else ""
    url = reverse("lesson-picture", args=[lesson.slug, source.address])
    return format_html(
        '<img class="picture" src="{}" alt="{}" loading="lazy" decoding="async"{}{}>', url, source.alt, size, title
    )


@lru_cache(maxsize=64)
def picture_size(data: bytes) -> tuple[int, int]:
    """Width and height in pixels; (-1, -1) for a drawing that names none."""
    width, height = imagesize.get(io.BytesIO(data))
    return round(width), round(height)
