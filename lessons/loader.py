"""Loads the course from its folders. Every problem is collected; a broken exercise does not hide the others."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from typing_extensions import override

from lessons.document import Cell, Document, read_document, validation_problems
from lessons.files import content_hash, hash_files, read_text
from lessons.pictures import picture_read
from lessons.schema import CourseFile, CourseLesson, Expectation, Level, Manifest, Quiz

HOME = Path(__file__).resolve().parent
_LESSON_FOLDER = re.compile(r"\d\d_[a-z0-9_]+|capstone")
_SLUG = re.compile(r"[a-z][a-z0-9_]{0,63}")

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentError:
    """Prints as `path: field: message`."""

    path: Path
    field: str
    message: str

    @override
    def __str__(self) -> str:
        return ": ".join(part for part in (str(self.path), self.field, self.message) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A submission in `wrong/` and what must become of it."""

    name: str
    files: Mapping[str, str]
    expect: Expectation


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """One graded task. `starter` holds the editable and read-only files by name, `solution` the editable ones."""

    lesson: str
    slug: str
    folder: Path
    manifest: Manifest
    prompt: str
    starter: Mapping[str, str]
    solution: Mapping[str, str]
    samples: tuple[Sample, ...]
    content_hash: str

    @property
    def key(self) -> str:
        """`<lesson>/<exercise>`."""
        return f"{self.lesson}/{self.slug}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """One lesson; `planned` when the course lists it and no folder has it yet. `body` has no front matter.

    `pictures` are those files below its folder that its text refers to and that can be shown.
    """

    slug: str
    title: str
    level: Level
    summary: str
    hours: float | None
    requires: tuple[str, ...]
    planned: bool
    folder: Path | None
    body: str
    cells: tuple[Cell, ...]
    quizzes: tuple[Quiz, ...]
    pictures: tuple[str, ...]
    exercises: tuple[Exercise, ...]
    content_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """All lessons in order, and all errors."""

    lessons: tuple[Lesson, ...]
    errors: tuple[ContentError, ...]

    def lesson(self, slug: str) -> Lesson | None:
        return next((lesson for lesson in self.lessons if lesson.slug == slug), None)

    def exercise(self, lesson: str, slug: str) -> Exercise | None:
        found = self.lesson(lesson)
        return next((e for e in found.exercises if e.slug == slug), None) if found else None


@dataclass(slots=True)
class _Loader:
    errors: list[ContentError] = field(default_factory=list)

    def fail(self, path: Path, message: str, where: str = "") -> None:
        self.errors.append(ContentError(path=path, field=where, message=message))

    def text(self, path: Path) -> str | None:
        try:
            return read_text(path)
        except ValueError as error:
            self.fail(path, str(error))
            return None

    def toml(self, path: Path, model: type[Model]) -> Model | None:
        text = self.text(path)
        if text is None:
            return None
        try:
            return model.model_validate(tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            self.fail(path, f"is not TOML: {error}")
        except ValidationError as error:
            for where, message in validation_problems(error):
                self.fail(path, message, where)
        return None

    def submission(self, folder: Path, names: Sequence[str]) -> dict[str, str]:
        texts = {name: self.text(folder / name) for name in names}
        return {name: text for name, text in texts.items() if text is not None}

    def exercise(self, lesson: str, folder: Path) -> Exercise | None:
        """The exercise, or None when anything about it is wrong."""
        before = len(self.errors)
        manifest = self.toml(folder / "exercise.toml", Manifest)
        prompt = self.text(folder / "prompt.md")
        self.text(folder / "judge.py")
        if manifest is None or prompt is None:
            return None
        starter = self.submission(folder / "starter", [*manifest.files.editable, *manifest.files.readonly])
        solution = self.submission(folder / "solution", manifest.files.editable)
        samples = self.samples(folder / "wrong", manifest)
        digest = self.hash(folder)
        if len(self.errors) > before:
            return None
        return Exercise(
            lesson=lesson,
            slug=folder.name,
            folder=folder,
            manifest=manifest,
            prompt=prompt,
            starter=starter,
            solution=solution,
            samples=samples,
            content_hash=digest,
        )

    def hash(self, folder: Path) -> str:
        try:
            return content_hash(folder)
        except ValueError as error:
            self.fail(folder, str(error))
            return ""

    def samples(self, folder: Path, manifest: Manifest) -> tuple[Sample, ...]:
        samples = []
        for path in _folders(folder):
            expect = self.toml(path / "expect.toml", Expectation)
            files = self.submission(path, manifest.files.editable)
            if expect is None:
                continue
            self.check_expectation(path / "expect.toml", expect, manifest)
            samples.append(Sample(name=path.name, files=files, expect=expect))
        return tuple(samples)

    def check_expectation(self, path: Path, expect: Expectation, manifest: Manifest) -> None:
        names = {metric.name for metric in manifest.metric} | {check.name for check in manifest.check}
        if expect.caught_by not in names | {expect.verdict}:
            self.fail(path, f"{expect.caught_by!r} is neither a metric or check nor this verdict", "caught_by")
        if expect.tier not in manifest.tiers:
            self.fail(path, f"the exercise has no tier {expect.tier!r}", "tier")

    def exercises(self, lesson: str, folder: Path) -> list[Exercise]:
        found = []
        for path in _folders(folder / "exercises"):
            if _SLUG.fullmatch(path.name) is None:
                self.fail(path, "an exercise's folder is named with small letters, digits and '_'")
                continue
            exercise = self.exercise(lesson, path)
            if exercise is not None:
                found.append(exercise)
        return found

    def document(self, folder: Path) -> Document | None:
        text = self.text(folder / "lesson.md")
        if text is None:
            return None
        document = read_document(text)
        for where, message in document.problems:
            self.fail(folder / "lesson.md", message, where)
        return document

    def pictures(self, folder: Path, names: Sequence[str]) -> tuple[str, ...]:
        shown = []
        for name in names:
            try:
                picture_read(folder, name)
            except ValueError as error:
                self.fail(folder / "lesson.md", str(error))
            else:
                shown.append(name)
        return tuple(shown)

    def lesson(self, entry: CourseLesson | None, folders: Sequence[Path]) -> Lesson:
        """The first folder has the text; every folder may add exercises."""
        slug = entry.slug if entry else folders[0].name
        document = self.document(folders[0]) if folders else None
        exercises = [exercise for folder in folders for exercise in self.exercises(slug, folder)]
        exercises.sort(key=lambda exercise: (exercise.manifest.difficulty, exercise.manifest.minutes, exercise.slug))
        front = document.front if document else None
        if entry and front and (entry.level, entry.requires) != (front.level, front.requires):
            self.fail(
                folders[0] / "lesson.md",
                f"must say level = {entry.level}, requires = {entry.requires} as course.toml",
                "front matter",
            )
        body = document.body if document else ""
        return Lesson(
            slug=slug,
            title=front.title if front else entry.title if entry else slug,
            level=front.level if front else entry.level if entry else "beginner",
            summary=front.summary if front else "",
            hours=front.hours if front else None,
            requires=tuple(entry.requires if entry else front.requires if front else ()),
            planned=not folders,
            folder=folders[0] if folders else None,
            body=body,
            cells=document.cells if document else (),
            quizzes=document.quizzes if document else (),
            pictures=self.pictures(folders[0], document.pictures) if document else (),
            exercises=tuple(exercises),
            content_hash=hash_files({"body": body.encode(), **{e.slug: e.content_hash.encode() for e in exercises}}),
        )

    def course_entries(self, roots: Sequence[Path]) -> list[CourseLesson]:
        files = [root / "course.toml" for root in roots if (root / "course.toml").exists()]
        courses = [course for path in files if (course := self.toml(path, CourseFile)) is not None]
        return [lesson for course in courses for lesson in course.lesson]


def default_roots() -> list[Path]:
    """This folder, and those that RANKZERO_LESSONS names (separated by ':')."""
    extra = os.environ.get("RANKZERO_LESSONS", "")
    return [HOME, *(Path(name).resolve() for name in extra.split(os.pathsep) if name)]


def load_course(roots: Sequence[Path] | None = None) -> Course:
    """Read every lesson below the roots. Never raises for content: what is wrong is in `Course.errors`."""
    chosen = default_roots() if roots is None else [root.absolute() for root in roots]
    loader = _Loader()
    for root in chosen:
        if not root.is_dir():
            loader.fail(root, "is not a folder (see RANKZERO_LESSONS)")
    entries = {entry.slug: entry for entry in loader.course_entries(chosen)}
    folders: dict[str, list[Path]] = {slug: [] for slug in entries}
    for root in chosen:
        for path in _folders(root):
            if _LESSON_FOLDER.fullmatch(path.name):
                folders.setdefault(path.name, []).append(path)
    lessons = tuple(loader.lesson(entries.get(slug), paths) for slug, paths in folders.items())
    _check_unique_ids(loader, lessons)
    return Course(lessons=lessons, errors=tuple(loader.errors))


def _check_unique_ids(loader: _Loader, lessons: Sequence[Lesson]) -> None:
    owners: dict[str, str] = {}
    for exercise in (exercise for lesson in lessons for exercise in lesson.exercises):
        owner = owners.setdefault(str(exercise.manifest.id), exercise.key)
        if owner != exercise.key:
            loader.fail(exercise.folder / "exercise.toml", f"has the id of {owner}: make a new one", "id")


def _folders(parent: Path) -> list[Path]:
    """Real folders, sorted; none when the parent is missing. Links are left to the content hash, which refuses them."""
    if not parent.is_dir() or parent.is_symlink():
        return []
    return sorted(
        path for path in parent.iterdir() if path.is_dir() and not path.is_symlink() and path.name[0] not in "._"
    )
