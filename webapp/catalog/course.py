"""The course as the site sees it now: read from the folders, kept until a file there changes."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from pathlib import Path

from lessons.loader import Course, Exercise, default_roots, load_course

LOOK_EVERY_S = 2.0


class CourseCache:
    """One a process. Looks at names, sizes and times of the files at most every two seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._course: Course | None = None
        self._fingerprint = ""
        self._looked = 0.0

    def get(self) -> Course:
        with self._lock:
            if self._course is None or time.monotonic() - self._looked > LOOK_EVERY_S:
                self._refresh()
            assert self._course is not None
            return self._course

    def clear(self) -> None:
        with self._lock:
            self._course = None

    def _refresh(self) -> None:
        fingerprint = tree_fingerprint(default_roots())
        if self._course is None or fingerprint != self._fingerprint:
            self._course, self._fingerprint = load_course(), fingerprint
        self._looked = time.monotonic()


def tree_fingerprint(roots: list[Path]) -> str:
    total = hashlib.sha256()
    for root in roots:
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(name for name in folders if name != "__pycache__")
            for name in sorted(names):
                path = os.path.join(folder, name)  # noqa: PTH118  # thousands of files: no Path objects
                status = os.lstat(path)
                total.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return total.hexdigest()


_cache = CourseCache()


def course() -> Course:
    return _cache.get()


def course_forget() -> None:
    """For tests and for commands that have just changed files."""
    _cache.clear()


def exercise_find(lesson: str, slug: str) -> Exercise | None:
    return course().exercise(lesson, slug)
