"""A small private lesson folder, so that these tests do not depend on the course's texts."""

from __future__ import annotations

from pathlib import Path

LESSON = "90_fixture"
SLUG = "double"
EXERCISE_ID = "5c0ff8a8-32a4-4c0d-9f1c-2f86fbb3e9a1"

LESSON_MD = """---
title: A small lesson
level: beginner
summary: Doubles numbers.
hours: 1
---
## Learning Objectives
Double a number: $2x$.
## Prerequisites
```quiz
id = "half"
kind = "choice"
question = "What is half of **4**?"
options = ["1", "2", "THE-THIRD"]
answer = 1
explanation = "Because $2 + 2 = 4$: SECRET-REASON."
```
```quiz
id = "pi"
kind = "numeric"
question = "Pi to two digits?"
answer = 3.14
tolerance = 0.005
explanation = "A circle."
```
## Theory & Concepts
:::warning Careful
Numbers may be *large*.
:::
## Hands-on Implementation
```python run session=one
x = 20
```
```python run session=one
x + 1
```
```python run
print("alone")
```
## Advanced Techniques
More.
## Exercises & Challenges
One.
## Best Practices
Test.
## Next Steps
Go on.
"""

EXERCISE_TOML = f"""schema = 1
id = "{EXERCISE_ID}"
title = "Double it"
summary = "Return twice the number."
minutes = 5
difficulty = 1
points = 10
protocol = "call"
entry = "answer.py"

[files]
editable = ["answer.py", "helper.py"]
readonly = ["data.json"]

[limits]
file_kb = 8
files = 5

[tiers.smoke]
seconds = 4
[tiers.cpu]
seconds = 30
[tiers.gpu]
seconds = 3

[[metric]]
name = "error_rate"
unit = "share"
direction = "lower"
means = "How often the answer is wrong."
pass = {{ smoke = 0.5, cpu = 0.1 }}
distinction = {{ cpu = 0.01 }}

[[check]]
name = "answers"
means = "It answers at all."

[[hint]]
when = "answers"
text = "Return something."
"""

FILES = {
    "exercise.toml": EXERCISE_TOML,
    "prompt.md": "Double **it**: $y = 2x$.\n",
    "judge.py": "def judge(bench):\n    bench.check('answers', True, 'yes')\n",
    "starter/answer.py": "def double(x):\n    return x\n",
    "starter/helper.py": "",
    "starter/data.json": "{}\n",
    "solution/answer.py": "def double(x):\n    return 2 * x  # THE-SOLUTION\n",
    "solution/helper.py": "",
}

ANSWER = {"answer.py": "def double(x):\n    return x + x\n", "helper.py": "# help\n"}


def write_lessons(root: Path) -> Path:
    folder = root / LESSON
    exercise = folder / "exercises" / SLUG
    for name, text in FILES.items():
        path = exercise / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "lesson.md").write_text(LESSON_MD)
    return root
