"""Reading `lesson.md`."""

from __future__ import annotations

from lessons.document import read_document
from lessons.schema import SECTIONS

FRONT = "---\ntitle: T\nlevel: beginner\nsummary: S\nhours: 2\nrequires: [01_a]\n---\n"
BODY = "".join(f"## {name}\n\ntext\n\n" for name in SECTIONS)


def problems(text):
    return [f"{where}: {message}" for where, message in read_document(text).problems]


def test_it_reads_a_good_lesson():
    document = read_document(FRONT + BODY)
    assert document.problems == ()
    assert document.front is not None
    assert document.front.requires == ["01_a"]
    assert document.body == BODY


def test_it_wants_front_matter():
    assert problems(BODY) == ["front matter: the file must begin with '---', the front matter, and '---'"]
    assert problems("---\ntitle: [\n---\n" + BODY)[0].startswith("front matter: is not YAML")
    wrong = problems("---\ntitle: T\nlevel: expert\n---\n" + BODY)
    assert [line.split(":")[0] for line in wrong] == [
        "front matter.level",
        "front matter.summary",
        "front matter.hours",
    ]


def test_it_constructs_no_objects_from_front_matter():
    assert problems("---\nx: !!python/object/apply:os.getcwd []\n---\n" + BODY)[0].startswith(
        "front matter: is not YAML"
    )


def test_it_wants_exactly_the_eight_sections_in_order():
    missing = FRONT + BODY.replace("## Best Practices\n", "")
    assert "missing ['Best Practices']" in problems(missing)[0]
    assert "not expected ['Appendix']" in problems(FRONT + BODY + "## Appendix\n")[0]
    swapped = (
        BODY.replace("## Prerequisites", "## X")
        .replace("## Next Steps", "## Prerequisites")
        .replace("## X", "## Next Steps")
    )
    assert "in order" in problems(FRONT + swapped)[0]
    assert "in order" in problems(FRONT + BODY + "## Next Steps\n")[0]


def test_it_sees_no_headings_in_code():
    fenced = "```python\n## not a heading\n```\n\n````\n```\n## nor this\n````\n\n~~~\n## nor that\n~~~\n"
    assert problems(FRONT + BODY + fenced) == []


def test_it_finds_cells_with_sessions_and_lines():
    cells = (
        "```python run\nprint(1)\n```\n\n```python run session=s-1\nx = 1\n\ny = 2\n```\n\n```python\nno cell\n```\n"
    )
    document = read_document(FRONT + BODY + cells)
    first = (FRONT + BODY).count("\n") + 1
    assert [(c.index, c.code, c.session, c.line) for c in document.cells] == [
        (0, "print(1)", None, first),
        (1, "x = 1\n\ny = 2", "s-1", first + 4),
    ]


def test_it_refuses_a_cell_with_odd_words():
    assert len(problems(FRONT + BODY + "```python run sesion=s\n```\n")) == 1
    assert len(problems(FRONT + BODY + "```python run session=a b\n```\n")) == 1


def test_it_reads_quizzes_and_says_what_is_wrong_with_them():
    quiz = '```quiz\nid = "q"\nkind = "numeric"\nquestion = "?"\nanswer = 2\nexplanation = "e"\n```\n'
    assert [q.id for q in read_document(FRONT + BODY + quiz).quizzes] == ["q"]
    assert "is used twice" in problems(FRONT + BODY + quiz + quiz)[0]
    assert "not TOML" in problems(FRONT + BODY + "```quiz\nid =\n```\n")[0]
    assert "quiz.kind" in "".join(problems(FRONT + BODY + quiz.replace("numeric", "essay")))
