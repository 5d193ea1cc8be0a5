"""Loading the course: all errors at once, nothing followed out of the folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from lessons.loader import HOME, default_roots, load_course

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "lessons"


@pytest.fixture
def root(tmp_path) -> Path:
    shutil.copytree(FIXTURES / "90_fixtures", tmp_path / "90_fixtures")
    return tmp_path


def errors(root) -> list[str]:
    return [str(error).removeprefix(f"{root}/90_fixtures/") for error in load_course([root]).errors]


def exercise_folder(root, slug="writer") -> Path:
    return root / "90_fixtures" / "exercises" / slug


def test_it_loads_the_fixtures_without_an_error(root):
    course = load_course([root])
    assert course.errors == ()
    lesson = course.lesson("90_fixtures")
    assert lesson is not None
    assert not lesson.planned
    assert [exercise.key for exercise in lesson.exercises] == [
        "90_fixtures/arithmetic",
        "90_fixtures/responder",
        "90_fixtures/writer",
    ]
    exercise = course.exercise("90_fixtures", "arithmetic")
    assert exercise is not None
    assert set(exercise.starter) == {"main.py", "helper.py"}
    assert set(exercise.solution) == {"main.py"}
    assert [sample.name for sample in exercise.samples] == ["exits_early", "forgets_echo", "loops"]
    assert course.exercise("90_fixtures", "nosuch") is None
    assert course.exercise("nosuch", "arithmetic") is None


def test_it_has_the_ten_lessons_and_the_capstone():
    course = load_course([HOME])
    slugs = [lesson.slug for lesson in course.lessons]
    assert len(slugs) == 11
    assert [int(slug[:2]) for slug in slugs[:10]] == list(range(1, 11))
    assert slugs[10] == "capstone"
    levels = [lesson.level for lesson in course.lessons[:10]]
    assert levels == ["beginner"] * 3 + ["intermediate"] * 3 + ["advanced"] * 4
    requires = {lesson.slug[:2]: [slug[:2] for slug in lesson.requires] for lesson in course.lessons}
    assert requires["09"] == ["06"]
    assert requires["10"] == ["07", "08", "09"]


def test_it_collects_every_error_and_keeps_the_other_exercises(root):
    folder = exercise_folder(root)
    (folder / "prompt.md").unlink()
    manifest = (folder / "exercise.toml").read_text()
    (folder / "exercise.toml").write_text(manifest.replace("minutes = 5", 'minutes = "long"') + 'colour = "red"\n')
    (root / "90_fixtures" / "lesson.md").write_text("no front matter\n")
    course = load_course([root])
    said = "\n".join(map(str, course.errors))
    for words in (
        "minutes",
        "colour",
        "prompt.md: the file is missing",
        "lesson.md: front matter",
        "lesson.md: sections",
    ):
        assert words in said
    assert [exercise.slug for exercise in course.lessons[0].exercises] == ["arithmetic", "responder"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("judge.py", "judge.py: the file is missing"),
        ("starter/main.py", "starter/main.py: the file is missing"),
        ("solution/main.py", "solution/main.py: the file is missing"),
        ("wrong/link/expect.toml", "wrong/link/expect.toml: the file is missing"),
        ("wrong/link/main.py", "wrong/link/main.py: the file is missing"),
    ],
)
def test_it_says_which_file_is_missing(root, name, message):
    (exercise_folder(root) / name).unlink()
    assert errors(root) == [f"exercises/writer/{message}"]


@pytest.mark.parametrize("name", ["prompt.md", "starter/main.py", "judge.py"])
def test_it_follows_no_symbolic_link(root, tmp_path, name):
    secret = tmp_path / "secret"
    secret.write_text("secret")
    path = exercise_folder(root) / name
    path.unlink()
    path.symlink_to(secret)
    assert any("symbolic link" in line for line in errors(root))
    assert "secret" not in str(load_course([root]).lessons)


def test_it_follows_no_linked_folder(root, tmp_path):
    shutil.move(exercise_folder(root), tmp_path / "elsewhere")
    exercise_folder(root).symlink_to(tmp_path / "elsewhere")
    assert load_course([root]).exercise("90_fixtures", "writer") is None


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"\xff\xfe", "is not UTF-8 text"), (b"a\0b", "holds a NUL byte"), (b"x" * (1 << 20) + b"x", "is over the cap")],
)
def test_it_refuses_files_that_are_not_text(root, data, message):
    (exercise_folder(root) / "prompt.md").write_bytes(data)
    assert any(message in line for line in errors(root))


def test_it_does_not_wait_for_a_queue(root):
    path = exercise_folder(root) / "prompt.md"
    path.unlink()
    os.mkfifo(path)
    assert any("is not a regular file" in line for line in errors(root))


def test_it_checks_what_a_wrong_submission_expects(root):
    expect = exercise_folder(root) / "wrong" / "link" / "expect.toml"
    expect.write_text(expect.read_text().replace('caught_by = "rejected"', 'caught_by = "unheard"') + 'tier = "gpu"\n')
    said = errors(root)
    assert any("caught_by: 'unheard' is neither" in line for line in said)
    assert any("no tier 'gpu'" in line for line in said)


def test_it_refuses_an_id_used_twice(root):
    shutil.copytree(exercise_folder(root), exercise_folder(root, "copy"))
    assert [line for line in errors(root) if "has the id of 90_fixtures/copy" in line]


def test_it_changes_the_hash_with_any_file_and_with_nothing_else(root):
    def digest():
        return load_course([root]).exercise("90_fixtures", "writer").content_hash

    before = digest()
    (exercise_folder(root) / "__pycache__").mkdir()
    (exercise_folder(root) / "__pycache__" / "judge.pyc").write_bytes(b"x")
    assert digest() == before
    (exercise_folder(root) / "solution" / "main.py").write_text("pass\n")
    changed = digest()
    assert changed != before
    (exercise_folder(root) / "solution" / "main.py").rename(exercise_folder(root) / "wrong" / "link" / "x.py")
    (exercise_folder(root) / "solution" / "main.py").write_text("pass\n")
    assert digest() not in {before, changed}


def test_it_adds_private_folders(root, monkeypatch):
    monkeypatch.setenv("RANKZERO_LESSONS", f"{root}:{root / 'nowhere'}")
    assert default_roots() == [HOME, root, root / "nowhere"]
    course = load_course()
    assert course.exercise("90_fixtures", "writer") is not None
    assert course.lesson("01_distributed_training") is not None
    assert any("nowhere: is not a folder" in str(error) for error in course.errors)


def test_it_wants_a_lesson_to_agree_with_the_course(root):
    (root / "course.toml").write_text('[[lesson]]\nslug = "90_fixtures"\ntitle = "F"\nlevel = "advanced"\n')
    assert errors(root) == ["lesson.md: front matter: must say level = advanced, requires = [] as course.toml"]


def test_it_shows_a_lesson_without_a_folder_as_planned(tmp_path):
    (tmp_path / "course.toml").write_text('[[lesson]]\nslug = "01_a"\ntitle = "A"\nlevel = "beginner"\n')
    course = load_course([tmp_path])
    assert [(lesson.slug, lesson.title, lesson.planned) for lesson in course.lessons] == [("01_a", "A", True)]
    assert course.errors == ()
