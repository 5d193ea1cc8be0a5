"""Checks what a learner sent. All problems at once, each at its field: "tier", "files", "files.<name>"."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from django.core.exceptions import ValidationError

from lessons.loader import Exercise
from lessons.schema import is_safe_path

Errors = defaultdict[str, list[str]]
REPLACEMENT = "\ufffd"  # what the web framework puts where bytes were not UTF-8


def checked_files(exercise: Exercise, files: Mapping[str, str | bytes]) -> dict[str, str]:
    """The editable files as text with Unix line ends. Raises ValidationError."""
    editable = exercise.manifest.files.editable
    if not files:
        raise ValidationError({"files": [f"Nothing was sent. This exercise needs {', '.join(editable)}."]})
    cap = exercise.manifest.limits.files
    if len(files) > cap:
        raise ValidationError({"files": [f"{len(files)} files were sent; at most {cap} are accepted."]})
    errors: Errors = defaultdict(list)
    for name in files:
        check_name(exercise, name, errors)
    texts = {name: checked_text(exercise, name, files[name], errors) for name in editable if name in files}
    for name in editable:
        if name not in files:
            errors[f"files.{name}"].append(f"{name} is missing.")
    if not errors and not any(text.strip() for text in texts.values()):
        errors["files"].append("Every file is empty: write your answer first.")
    if errors:
        raise ValidationError(dict(errors))
    return texts


def check_name(exercise: Exercise, name: str, errors: Errors) -> None:
    """Odd names are shown escaped and never become a field of their own."""
    known = exercise.manifest.files
    if name in known.editable:
        return
    if name in known.readonly:
        errors[f"files.{name}"].append(f"{name} is read-only: it is always ours.")
    elif is_safe_path(name):
        errors[f"files.{name}"].append(f"{name} is not a file of this exercise.")
    else:
        errors["files"].append(f"{ascii(name)[:80]} is not a file name that is accepted.")


def checked_text(exercise: Exercise, name: str, content: str | bytes, errors: Errors) -> str:
    field, cap = f"files.{name}", exercise.manifest.limits.file_kb
    if len(content) > cap * 1024:
        errors[field].append(f"{name} is larger than {cap} KiB.")
        return ""
    text = as_text(content)
    if text is None or "\0" in text:
        errors[field].append(f"{name} is not UTF-8 text.")
        return ""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if len(text.encode()) > cap * 1024:
        errors[field].append(f"{name} is larger than {cap} KiB.")
    return text


def as_text(content: str | bytes) -> str | None:
    try:
        text = content.decode() if isinstance(content, bytes) else content
        text.encode()  # lone surrogates are no text
    except UnicodeError:
        return None
    return None if REPLACEMENT in text else text


def checked_tier(exercise: Exercise, tier: str, available: list[str]) -> str:
    """Raises ValidationError."""
    offered = [name for name in exercise.manifest.tiers if name in available]
    if tier in exercise.manifest.tiers and tier not in available:
        text = f"No worker of this site has the hardware for the tier {tier}."
        raise ValidationError({"tier": [f"{text} Choose one of: {', '.join(offered)}." if offered else text]})
    if tier not in offered:
        raise ValidationError({"tier": [f"Choose one of: {', '.join(offered) or 'none is available here'}."]})
    return tier


def checked_code(code: str, cap_kb: int = 64) -> str:
    """The text of a runnable cell. Raises ValidationError (field code)."""
    text = as_text(code)
    if text is None or "\0" in text:
        raise ValidationError({"code": ["The cell is not UTF-8 text."]})
    if len(text.encode()) > cap_kb * 1024:
        raise ValidationError({"code": [f"The cell is larger than {cap_kb} KiB."]})
    if not text.strip():
        raise ValidationError({"code": ["The cell is empty."]})
    return text.replace("\r\n", "\n").replace("\r", "\n")
