"""`lessons check`: what the loader cannot see because it spans files. Nothing of an exercise is run or imported."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from grader import assets
from lessons.files import read_text
from lessons.loader import ContentError, Course, Exercise
from lessons.schema import TRUSTED

LAB_PACKAGES = frozenset(
    {"numpy", "scipy", "pandas", "torch", "transformers", "peft", "safetensors", "tokenizers", "matplotlib"}
)
# A judge handles hostile bytes beside hidden data: what runs code or programs from them has no place in it.
_REFUSED = frozenset({"pickle", "marshal", "shelve", "subprocess", "ctypes", "socket", "multiprocessing", "importlib"})
_REFUSED_CALLS = frozenset({"eval", "exec", "compile", "__import__", "torch.load"})
_TIMING = frozenset(
    {"interleave", "cpu_ratio", "wall_ratio", "latency_percentile", "percentile_under", "throughput", "require_steady"}
)
_MIN_WRONG = 3


def check_course(course: Course) -> list[ContentError]:
    """Every error of the course, the loader's first."""
    errors = list(course.errors)
    known = _known_assets(errors)
    for exercise in (exercise for lesson in course.lessons for exercise in lesson.exercises):
        errors += check_exercise(exercise, known)
    return errors


def check_exercise(exercise: Exercise, known_assets: frozenset[str]) -> list[ContentError]:
    """Its judge's imports, its assets, and whether its proof is complete."""
    manifest, path = exercise.manifest, exercise.folder / "exercise.toml"
    errors = [
        ContentError(path=path, field="assets", message=f"lessons/assets.toml has no asset {name!r}")
        for name in manifest.assets
        if name not in known_assets
    ]
    kinds = [sample.expect.kind for sample in exercise.samples]
    if len(kinds) < _MIN_WRONG or "cheat" not in kinds:
        message = f"needs at least {_MIN_WRONG} submissions, one of them a cheat; it has {sorted(kinds)}"
        errors.append(ContentError(path=exercise.folder / "wrong", field="", message=message))
    if not manifest.hint:
        errors.append(ContentError(path=path, field="hint", message="an exercise needs hints"))
    judge = exercise.folder / "judge.py"
    return errors + check_judge(judge) + check_provenance(exercise) + check_timed(exercise)


def check_judge(path: Path) -> list[ContentError]:
    """Imports only grader.api, the standard library and the lab's packages; defines judge(bench)."""
    try:
        tree = ast.parse(read_text(path), str(path))
    except (SyntaxError, ValueError) as error:
        return [ContentError(path=path, field="", message=f"is not valid Python: {error}")]
    errors = [
        ContentError(path=path, field=f"line {line}", message=f"a judge may not use {name!r}")
        for line, name in sorted(_refused(tree))
    ]
    if not any(isinstance(node, ast.FunctionDef) and node.name == "judge" for node in tree.body):
        errors.append(ContentError(path=path, field="", message="has no function judge(bench)"))
    return errors


def check_provenance(exercise: Exercise) -> list[ContentError]:
    """A judge that writes a metric's provenance down must write what exercise.toml says."""
    path = exercise.folder / "judge.py"
    try:
        tree = ast.parse(read_text(path), str(path))
    except (SyntaxError, ValueError):
        return []  # check_judge says so
    declared = {spec.name: spec.provenance for spec in exercise.manifest.metric}
    return [
        ContentError(
            path=path,
            field=f"line {line}",
            message=f"metric {name!r} is {word} here; exercise.toml says {declared[name] or 'observed or recomputed'}",
        )
        for line, name, word in sorted(_told_provenances(tree))
        if name in declared and word != declared[name] and (declared[name] or word not in TRUSTED)
    ]


def check_timed(exercise: Exercise) -> list[ContentError]:
    """A judge that compares times needs cores of its own: the manifest must ask for them."""
    path = exercise.folder / "judge.py"
    try:
        tree = ast.parse(read_text(path), str(path))
    except (SyntaxError, ValueError):
        return []  # check_judge says so
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & _TIMING
    if exercise.manifest.timed or not used:
        return []
    message = f"the judge uses {', '.join(sorted(used))}: exercise.toml must say timed = true"
    return [ContentError(path=exercise.folder / "exercise.toml", field="timed", message=message)]


def _told_provenances(tree: ast.AST) -> Iterator[tuple[int, str, str]]:
    """Line, metric and provenance of each `bench.metric("name", …, provenance="…")`."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or ast.unparse(node.func) != "bench.metric" or not node.args:
            continue
        name = node.args[0]
        words = [keyword.value for keyword in node.keywords if keyword.arg == "provenance"]
        if isinstance(name, ast.Constant) and words and isinstance(words[0], ast.Constant):
            yield node.lineno, str(name.value), str(words[0].value)


def _known_assets(errors: list[ContentError]) -> frozenset[str]:
    try:
        return frozenset(assets.load_assets())
    except assets.AssetError as error:
        errors.append(ContentError(path=assets.MANIFEST, field="", message=str(error)))
        return frozenset()


def _refused(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names if not _is_allowed(alias.name))
        elif isinstance(node, ast.ImportFrom):
            name = "." * node.level + (node.module or "")
            if not _is_allowed(name):
                yield node.lineno, name
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in _REFUSED_CALLS:
            yield node.lineno, ast.unparse(node.func)


def _is_allowed(module: str) -> bool:
    root = module.split(".")[0]
    if root in _REFUSED:
        return False
    return module == "grader.api" or root in LAB_PACKAGES or root in sys.stdlib_module_names
