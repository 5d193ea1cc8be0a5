"""What this machine has and what holds on it: the facts behind `manage.py doctor`."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import sandbox
from sandbox.backend import Backend
from sandbox.boxd.client import boxd_status
from sandbox.errors import SandboxUnavailable
from sandbox.interpreter import interpreter_mounts, lab_dir
from sandbox.leases import list_gpus
from sandbox.opening import NAMES, Closing
from sandbox.spec import MIB, BoxSpec

_ROOT = Path(__file__).resolve().parent.parent
_PACKAGES = ("torch", "transformers", "peft", "numpy")

Section = Callable[[], dict[str, Any]]
_sections: dict[str, Section] = {}


def register(name: str, section: Section) -> None:
    """Let another room add a section; it is called when the report is made and must return JSON values."""
    _sections[name] = section


def report() -> dict[str, Any]:
    """Everything, as JSON values."""
    backends = {name: _opened(name) for name in NAMES}
    box, lab = _sandbox(backends), _lab(backends[NAMES[0]])
    gpus = list_gpus()
    for backend in backends.values():
        if isinstance(backend, Closing):
            backend.close()
    return {
        "machine": machine(),
        "gpus": gpus,
        "sandbox": box,
        "lab": lab,
        "tiers": _tiers(box, lab, gpus),
        **{name: section() for name, section in _sections.items()},
    }


def _opened(name: str) -> Backend | SandboxUnavailable:
    try:
        return sandbox.open_backend(name)
    except SandboxUnavailable as error:
        return error


def machine() -> dict[str, Any]:
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MIB,
    }


def _sandbox(backends: Mapping[str, Backend | SandboxUnavailable]) -> dict[str, Any]:
    """The default backend's state, each backend's, and what boxd has in hand if boxes go through one."""
    boxd_socket = os.environ.get("RANKZERO_BOXD")
    each = {name: _backend(backend) for name, backend in backends.items()}
    return {
        "through": boxd_socket or "this process",
        **each[NAMES[0]],
        "backends": each,
        "boxd": _boxd(boxd_socket) if boxd_socket else None,
    }


def _backend(backend: Backend | SandboxUnavailable) -> dict[str, Any]:
    if isinstance(backend, SandboxUnavailable):
        return {"ok": False, "error": str(backend), "limits": []}
    return {"ok": True, "error": None, "limits": [asdict(check) for check in backend.check()]}


def _boxd(path: str) -> dict[str, Any]:
    try:
        return boxd_status(path)
    except SandboxUnavailable as error:
        return {"error": str(error)}


def _lab(backend: Backend | SandboxUnavailable) -> dict[str, Any]:
    """Whether the lab runs in a box, with its versions; and which assets are there."""
    state = Path(os.environ.get("RANKZERO_STATE") or _ROOT / "var")
    folder = state / "assets"
    assets = sorted(path.name for path in folder.iterdir() if not path.name.startswith(".")) if folder.is_dir() else []
    python = lab_dir() / "bin" / "python"
    if not python.exists():
        return {"ok": False, "error": f"{lab_dir()} is missing: run `make up`", "versions": {}, "assets": assets}
    versions = {} if isinstance(backend, SandboxUnavailable) else _versions(backend, python)
    missing = [name for name in _PACKAGES if name not in versions]
    error = f"{', '.join(missing)} not installed in {lab_dir()}: run `make up`" if missing else None
    return {"ok": not missing, "error": error, "versions": versions, "assets": assets}


def _versions(backend: Backend, python: Path) -> dict[str, str]:
    """Versions as the interpreter inside a box sees them; none if the box does not start."""
    code = (
        "import importlib.metadata as m, json, sys\n"
        f"print(json.dumps({{d.name: d.version for d in m.distributions() if d.name in {_PACKAGES!r}}}))"
    )
    try:
        # A named core: where every core is leased, a box without one would wait for the end of what is measured.
        spec = BoxSpec(mounts=interpreter_mounts(lab_dir()), wall_s=30, cpus=(min(os.sched_getaffinity(0)),))
        process = backend.prepare(spec).start([str(python), "-I", "-c", code])
    except sandbox.SandboxError:
        return {}
    try:
        said = process.stdout.read(64 * 1024)
        ended = process.wait()
    finally:
        process.close()
    return json.loads(said) if ended.exit_code == 0 else {}


def _tiers(box: dict[str, Any], lab: dict[str, Any], gpus: list[dict[str, str]]) -> dict[str, bool]:
    ready = bool(box["ok"] and lab["ok"])
    return {"smoke": ready, "cpu": ready, "gpu": ready and bool(gpus)}
