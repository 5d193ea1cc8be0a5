"""The boxes' image: empty folders, a minimal /etc and the shim. All else is the host's, bound read-only."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

from sandbox.docker.engine import Engine
from sandbox.plan import BOX_UID

REPOSITORY = "rankzero-box"
SHIM = "/.rankzero/shim.py"
SYSTEM_LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_SHIM_SOURCE = Path(__file__).resolve().parent.parent / "guest" / "shim.py"
_FOLDERS = (".rankzero", "dev", "etc", "proc", "sys", "tmp", "usr", "work")
_ETC = {
    "passwd": f"learner:x:{BOX_UID}:{BOX_UID}:learner:/work:/bin/sh\n",
    "group": f"learner:x:{BOX_UID}:\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}


def ensure_image(engine: Engine) -> str:
    """The image's name; made now if the engine lacks it. Raises BoxStartError."""
    tar = _tar()
    tag = hashlib.sha256(tar).hexdigest()[:16]
    name = f"{REPOSITORY}:{tag}"
    if not engine.has_image(name):
        engine.import_image(tar, REPOSITORY, tag)
    return name


def _tar() -> bytes:
    """The same bytes for the same contents: the name is their hash."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in _FOLDERS:
            _add(tar, name, tarfile.DIRTYPE)
        for name in SYSTEM_LINKS:
            folder = Path("/", name)
            if folder.is_symlink():
                _add(tar, name, tarfile.SYMTYPE, link=str(folder.readlink()))
        for name, text in _ETC.items():
            _add(tar, f"etc/{name}", tarfile.REGTYPE, text.encode())
        _add(tar, SHIM.lstrip("/"), tarfile.REGTYPE, _SHIM_SOURCE.read_bytes())
    return raw.getvalue()


def _add(tar: tarfile.TarFile, name: str, kind: bytes, data: bytes = b"", link: str = "") -> None:
    entry = tarfile.TarInfo(name)
    entry.type = kind
    entry.mode = 0o755 if kind == tarfile.DIRTYPE else 0o444
    entry.size = len(data)
    entry.linkname = link
    tar.addfile(entry, io.BytesIO(data))
