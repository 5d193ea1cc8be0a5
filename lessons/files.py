"""Reads content folders safely: no symbolic link is followed, every size is capped."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

MAX_FILE = 1024 * 1024
MAX_FILES = 2000
_SKIPPED = {"__pycache__"}


def read_file(path: Path, *, limit: int = MAX_FILE) -> bytes:
    """The bytes of a regular file. Raises ValueError for a link, another kind of file, or one over `limit` bytes."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise ValueError("the file is missing") from None
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror or error} (symbolic links are not followed)") from None
    with os.fdopen(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise ValueError("is not a regular file")
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"is over the cap of {limit} bytes")
    return data


def read_text(path: Path, *, limit: int = MAX_FILE) -> str:
    """A UTF-8 text file without NUL. Raises ValueError."""
    try:
        text = read_file(path, limit=limit).decode()
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None
    if "\0" in text:
        raise ValueError("holds a NUL byte")
    return text.replace("\r\n", "\n")


def walk(folder: Path) -> Iterator[Path]:
    """Every regular file below `folder`, sorted; hidden files and __pycache__ left out.

    Raises ValueError for a symbolic link, a special file, or more than 2,000 files.
    """
    count = 0
    for root, folders, names in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED and not name.startswith("."))
        for name in [*folders, *sorted(names)]:
            path = Path(root, name)
            mode = path.lstat().st_mode
            if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
                raise ValueError(f"{path.relative_to(folder)} is a symbolic link or a special file")
            if stat.S_ISREG(mode) and not name.startswith("."):
                count += 1
                if count > MAX_FILES:
                    raise ValueError(f"holds more than {MAX_FILES} files")
                yield path


def content_hash(folder: Path) -> str:
    """sha256 over the names and bytes of every file below `folder`. Raises ValueError as `walk` does."""
    files = {path.relative_to(folder).as_posix(): read_file(path) for path in walk(folder)}
    return hash_files(files)


def hash_files(files: Mapping[str, bytes]) -> str:
    """sha256 over names and contents, independent of order."""
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\0{len(files[name])}\0".encode())
        digest.update(files[name])
    return digest.hexdigest()
