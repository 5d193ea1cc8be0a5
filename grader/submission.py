"""Reads a submission from a folder, for the command line."""

from __future__ import annotations

from pathlib import Path

from grader.errors import SubmissionError
from lessons.files import read_file
from lessons.loader import Exercise


def read_submission(exercise: Exercise, folder: Path) -> dict[str, bytes]:
    """The exercise's editable files in `folder`; other files there are not part of it.

    Raises SubmissionError for a missing file, a symbolic link, or a file over the cap.
    """
    if not folder.is_dir():
        raise SubmissionError(f"{folder} is not a folder")
    limit = exercise.manifest.limits.file_kb * 1024
    files = {}
    for name in exercise.manifest.files.editable:
        try:
            files[name] = read_file(folder / name, limit=limit)
        except ValueError as error:
            raise SubmissionError(f"{folder / name}: {error}") from None
    return files
