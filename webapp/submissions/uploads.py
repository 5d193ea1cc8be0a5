"""Checks what a learner sent. All problems at once, each at its field: "tier", "files", "files.<name>"."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from lessons.loader import Exercise
from lessons.schema import is_safe_path

Errors = defaultdict[str, list[str]]
REPLACEMENT = "\ufffd"  # what the web framework puts where bytes were not UTF-8


def checked_files(exercise: Exercise, files: Mapping[str, str | bytes]) -> dict[str, str]:
    """The editable files as text with Unix line ends. Raises ValidationError."""
    editable = exercise.manifest.files.editable
    if not files:
        raise ValidationError(
            {"files": [_("Nothing was sent. This exercise needs {names}.").format(names=", ".join(editable))]}
        )
    cap = exercise.manifest.limits.files
    if len(files) > cap:
        raise ValidationError(
            {"files": [_("{count} files were sent; at most {cap} are accepted.").format(count=len(files), cap=cap)]}
        )
    errors: Errors = defaultdict(list)
    for name in files:
        check_name(exercise, name, errors)
    texts = {name: checked_text(exercise, name, files[name], errors) for name in editable if name in files}
    for name in editable:
        if name not in files:
            errors[f"files.{name}"].append(_("{name} is missing.").format(name=name))
    if not errors and not any(text.strip() for text in texts.values()):
        errors["files"].append(_("Every file is empty: write your answer first."))
    if errors:
        raise ValidationError(dict(errors))
    return texts


def check_name(exercise: Exercise, name: str, errors: Errors) -> None:
    """Odd names are shown escaped and never become a field of their own."""
    known = exercise.manifest.files
    if name in known.editable:
        return
    if name in known.readonly:
        errors[f"files.{name}"].append(_("{name} is read-only: it is always ours.").format(name=name))
    elif is_safe_path(name):
        errors[f"files.{name}"].append(_("{name} is not a file of this exercise.").format(name=name))
    else:
        errors["files"].append(_("{name} is not a file name that is accepted.").format(name=ascii(name)[:80]))


def checked_text(exercise: Exercise, name: str, content: str | bytes, errors: Errors) -> str:
    field, cap = f"files.{name}", exercise.manifest.limits.file_kb
    if len(content) > cap * 1024:
        errors[field].append(_("{name} is larger than {cap} KiB.").format(name=name, cap=cap))
        return ""
    text = as_text(content)
    if text is None or "\0" in text:
        errors[field].append(_("{name} is not UTF-8 text.").format(name=name))
        return ""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if len(text.encode()) > cap * 1024:
        errors[field].append(_("{name} is larger than {cap} KiB.").format(name=name, cap=cap))
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
        text = _("No worker of this site has the hardware for the tier {tier}.").format(tier=tier)
        raise ValidationError({"tier": [f"{text} {choose_text(offered)}" if offered else text]})
    if tier not in offered:
        raise ValidationError({"tier": [choose_text(offered)]})
    return tier


def choose_text(offered: Sequence[str]) -> str:
    return _("Choose one of: {names}.").format(names=", ".join(offered) or _("none is available here"))


def checked_code(code: str, cap_kb: int = 64) -> str:
    """The text of a runnable cell. Raises ValidationError (field code)."""
    text = as_text(code)
    if text is None or "\0" in text:
        raise ValidationError({"code": [_("The cell is not UTF-8 text.")]})
    if len(text.encode()) > cap_kb * 1024:
        raise ValidationError({"code": [_("The cell is larger than {cap} KiB.").format(cap=cap_kb)]})
    if not text.strip():
        raise ValidationError({"code": [_("The cell is empty.")]})
    return text.replace("\r\n", "\n").replace("\r", "\n")
