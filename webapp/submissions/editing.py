"""What the editor shows: the learner's draft or last text, else the starter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lessons.loader import Exercise
from webapp.submissions.contexts import EditorFile
from webapp.submissions.models import Draft, Run, Submission

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What the editor begins with. `source` as in contexts.DraftState; `content_hash` is "" for the starter's own."""

    texts: Mapping[str, str]
    source: str
    content_hash: str = ""


def newest_submission(runs: Iterable[Run]) -> Submission | None:
    """The newest run may be of an older submission: second runs and runs that grade again come later."""
    submissions = [run.submission for run in runs if run.submission]
    return max(submissions, key=lambda one: one.created_at, default=None)


def start_of(
    exercise: Exercise,
    *,
    kept: Mapping[str, str],
    draft: Draft | None = None,
    sent: Submission | None = None,
    chosen: Submission | None = None,
) -> Start:
    """A refused form's text first, then what was chosen, then the newer of draft and last submission, then the starter.

    What an older version of the exercise knows and the starter does not is left out.
    """
    if kept:
        return Start(texts=fitting(exercise, kept), source="form")
    if chosen is not None:
        return Start(texts=fitting(exercise, texts_of(chosen)), source="chosen", content_hash=chosen.content_hash)
    if draft is not None and (sent is None or draft.saved_at > sent.created_at):
        return Start(texts=fitting(exercise, draft.texts), source="draft", content_hash=draft.content_hash)
    if sent is not None:
        return Start(texts=fitting(exercise, texts_of(sent)), source="sent", content_hash=sent.content_hash)
    return Start(texts=exercise.starter, source="starter")


def texts_of(submission: Submission) -> dict[str, str]:
    return {file.name: file.content for file in submission.files.all()}


def fitting(exercise: Exercise, texts: Mapping[str, str]) -> dict[str, str]:
    editable = exercise.manifest.files.editable
    return dict(exercise.starter) | {name: text for name, text in texts.items() if name in editable}


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
