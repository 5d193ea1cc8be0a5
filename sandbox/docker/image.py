"""The boxes' image: empty folders, a minimal /etc, the shim and the standby. The rest is the host's, read-only."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

from sandbox.docker.engine import Engine
from sandbox.plan import BOX_UID, ROOT_FOLDERS

REPOSITORY = "rankzero-box"
SHIM = "/.rankzero/shim.py"
CODE = "/.rankzero/code"  # for PYTHONPATH of a standby
_SANDBOX = Path(__file__).resolve().parent.parent
_SHIM_SOURCE = _SANDBOX / "guest" / "shim.py"
_PACKAGES = ("sandbox", "sandbox/docker", "sandbox/warm", "sandbox/warm/inside")
# A file system mounted there takes over the mode of the folder.
_FOLDERS = dict.fromkeys((".rankzero", "dev", "etc", "proc", "sys", "usr", "work"), 493) | {"tmp": 0o1777}
_READABLE = 0o444
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
        for name, mode in _FOLDERS.items():
            _add(tar, name, tarfile.DIRTYPE, mode)
        for name in ROOT_FOLDERS:
            folder = Path("/", name)
            if folder.is_symlink():
                _add(tar, name, tarfile.SYMTYPE, 0o777, link=str(folder.readlink()))
        for name, text in _ETC.items():
            _add(tar, f"etc/{name}", tarfile.REGTYPE, _READABLE, text.encode())
        _add(tar, SHIM.lstrip("/"), tarfile.REGTYPE, _READABLE, _SHIM_SOURCE.read_bytes())
        for name, data in _standby_code():
            _add(tar, f"{CODE.lstrip('/')}/{name}", tarfile.REGTYPE, _READABLE, data)
    return raw.getvalue()


def _standby_code() -> Iterator[tuple[str, bytes]]:
    """Its packages with nothing in their __init__: those of the host's side import the host's side."""
    for package in _PACKAGES:
        yield f"{package}/__init__.py", b""
    for path in [_SANDBOX / "docker" / "standby.py", *sorted((_SANDBOX / "warm" / "inside").glob("[!_]*.py"))]:
        yield f"sandbox/{path.relative_to(_SANDBOX)}", path.read_bytes()


def _add(tar: tarfile.TarFile, name: str, kind: bytes, mode: int, data: bytes = b"", link: str = "") -> None:
    entry = tarfile.TarInfo(name)
    entry.type = kind
    entry.mode = mode
    entry.size = len(data)
    entry.linkname = link
    tar.addfile(entry, io.BytesIO(data))
