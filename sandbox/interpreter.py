"""Which folders of the host a Python interpreter needs inside a box."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from sandbox.spec import Mount

_ALWAYS_THERE = Path("/usr")
_ROOT = Path(__file__).resolve().parent.parent


def lab_dir() -> Path:
    """Where the lab environment is, or would be: $RANKZERO_LAB, else .venv-lab beside us."""
    return Path(os.environ.get("RANKZERO_LAB") or _ROOT / ".venv-lab").absolute()


def interpreter_mounts(venv: Path) -> tuple[Mount, ...]:
    """Mounts that make `venv`/bin/python run in a box: the environment and the installation below it.

    Raises FileNotFoundError if `venv` is not a virtual environment.
    """
    base = _base_prefix(venv / "pyvenv.cfg")
    return _mounts([venv.absolute(), base, base.resolve()])


def running_interpreter_mounts() -> tuple[Mount, ...]:
    """The same for the interpreter that runs this."""
    return _mounts([Path(sys.prefix), Path(sys.base_prefix), Path(sys.base_prefix).resolve()])


def _base_prefix(config: Path) -> Path:
    for line in config.read_text().splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "home":
            return Path(value.strip()).parent
    raise FileNotFoundError(f"{config} names no 'home': make the environment anew")


def _mounts(folders: list[Path]) -> tuple[Mount, ...]:
    wanted = dict.fromkeys(folder for folder in folders if not folder.is_relative_to(_ALWAYS_THERE))
    return tuple(Mount(source=folder, target=str(folder)) for folder in wanted)
