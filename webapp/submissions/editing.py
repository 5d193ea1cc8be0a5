"""What the editor shows: the learner's last text, else the starter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lessons.loader import Exercise
from webapp.submissions.contexts import EditorFile
from webapp.submissions.models import Run, Submission

LANGUAGES = {
    "py": "python",
    "toml": "toml",
    "yaml": "yaml",
    "yml": "yaml",
    "json": "json",
    "md": "markdown",
}


def language_of(name: str) -> str:
    return LANGUAGES.get(name.rpartition(".")[2], "text")


def starting_texts(exercise: Exercise, runs: Sequence[Run], kept: Mapping[str, str]) -> dict[str, str]:
    """A refused form's text first, then that of the newest submission of `runs`, then the starter.

    The newest run may be of an older submission: second runs and runs that grade again come later.
    """
    texts = dict(exercise.starter)
    submissions = [run.submission for run in runs if run.submission]
    if submissions:
        newest = max(submissions, key=lambda one: one.created_at)
        texts |= {file.name: file.content for file in newest.files.all() if file.name in texts}
    return texts | {name: text for name, text in kept.items() if name in exercise.manifest.files.editable}


def editor_files(
    exercise: Exercise, texts: Mapping[str, str], errors: Mapping[str, list[str]]
) -> tuple[EditorFile, ...]:
    editable = exercise.manifest.files.editable
    return tuple(
        EditorFile(
            name=name,
            field=f"file:{name}" if name in editable else "",
            language=language_of(name),
            content=texts[name] if name in editable else exercise.starter[name],
            starter=exercise.starter[name],
            readonly=name not in editable,
            errors=tuple(errors.get(f"files.{name}", ())),
        )
        for name in [*editable, *exercise.manifest.files.readonly]
    )


def solution_files(exercise: Exercise) -> tuple[EditorFile, ...]:
    return tuple(readonly_file(name, text) for name, text in exercise.solution.items())


def stored_files(submission: Submission) -> tuple[EditorFile, ...]:
    return tuple(readonly_file(file.name, file.content) for file in submission.files.all())


def readonly_file(name: str, text: str) -> EditorFile:
    return EditorFile(name=name, field="", language=language_of(name), content=text, starter=text, readonly=True)
