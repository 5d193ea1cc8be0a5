"""What this machine has and what holds on it: the facts behind `manage.py doctor`."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import sandbox
from sandbox.errors import SandboxUnavailable
from sandbox.interpreter import interpreter_mounts, lab_dir
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
    box, lab = _sandbox(), _lab()
    gpus = _gpus()
    return {
        "machine": _machine(),
        "gpus": gpus,
        "sandbox": box,
        "lab": lab,
        "tiers": _tiers(box, lab, gpus),
        **{name: section() for name, section in _sections.items()},
    }


def _machine() -> dict[str, Any]:
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MIB,
    }


def _gpus() -> list[dict[str, str]]:
    """What nvidia-smi lists; nothing where it is absent or sees no device."""
    query = ["nvidia-smi", "--query-gpu=index,name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        said = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    names = ("index", "name", "memory", "driver")
    return [dict(zip(names, (part.strip() for part in line.split(",")), strict=False)) for line in said.splitlines()]


def _sandbox() -> dict[str, Any]:
    through = os.environ.get("RANKZERO_BOXD") or "this process"
    try:
        checks = sandbox.open_backend().check()
    except SandboxUnavailable as error:
        return {"ok": False, "through": through, "error": str(error), "limits": []}
    return {"ok": True, "through": through, "error": None, "limits": [asdict(check) for check in checks]}


def _lab() -> dict[str, Any]:
    """Whether the lab runs in a box, with its versions; and which assets are there."""
    state = Path(os.environ.get("RANKZERO_STATE") or _ROOT / "var")
    folder = state / "assets"
    assets = sorted(path.name for path in folder.iterdir() if not path.name.startswith(".")) if folder.is_dir() else []
    python = lab_dir() / "bin" / "python"
    if not python.exists():
        return {"ok": False, "error": f"{lab_dir()} is missing: run `make up`", "versions": {}, "assets": assets}
    versions = _versions(python)
    missing = [name for name in _PACKAGES if name not in versions]
    error = f"{', '.join(missing)} not installed in {lab_dir()}: run `make up`" if missing else None
    return {"ok": not missing, "error": error, "versions": versions, "assets": assets}


def _versions(python: Path) -> dict[str, str]:
    """Versions as the interpreter inside a box sees them; none where no box can be had."""
    code = (
        "import importlib.metadata as m, json, sys\n"
        f"print(json.dumps({{d.name: d.version for d in m.distributions() if d.name in {_PACKAGES!r}}}))"
    )
    try:
        spec = BoxSpec(mounts=interpreter_mounts(lab_dir()), wall_s=30)
        process = sandbox.open_backend().prepare(spec).start([str(python), "-I", "-c", code])
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
