"""Pictures beside a lesson's text: which references are pictures of its folder, and their bytes."""

from __future__ import annotations

import re
from pathlib import Path

from lessons.files import read_file

KINDS = {".png": "image/png", ".webp": "image/webp", ".svg": "image/svg+xml"}
_NAME = re.compile(r"(?:[A-Za-z0-9_-]+/)*[A-Za-z0-9_-]+\.(?:png|webp|svg)")
_REFERENCE = re.compile(r"!\[[^\]]*\]\(\s*<?([^)\s>]*)")
_BEGIN = {".png": b"\x89PNG\r\n\x1a\n", ".webp": b"RIFF"}


def picture_references(line: str) -> list[str]:
    """The addresses of Markdown's ![…](address) in a line."""
    return _REFERENCE.findall(line)


def is_picture_name(address: str) -> bool:
    """Whether this is a plain path below the lesson's folder to a kind of picture that we serve."""
    return _NAME.fullmatch(address) is not None


def picture_read(folder: Path, name: str) -> bytes:
    """Raises ValueError for a name that is none, a link on the way, a missing or too large file, and wrong bytes."""
    if not is_picture_name(name):
        raise ValueError(f"{name!r} is no path to a .png, .webp or .svg below the lesson's folder")
    path = folder / name
    if path.resolve() != folder.resolve() / name:
        raise ValueError(f"{name}: symbolic links are not followed")
    try:
        data = read_file(path)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    begin = _BEGIN.get(path.suffix)
    is_right = data.startswith(begin) if begin else b"<svg" in data[:2000]
    if not is_right:
        raise ValueError(f"{name}: is not a {path.suffix[1:].upper()} picture")
    return data
