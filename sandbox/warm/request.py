"""The host's side of an order: everything that one box is told, in one unnamed file."""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from sandbox.plan import HOST_FILES, ROOT_FOLDERS, environment, identity_files, memory_file
from sandbox.spec import BoxSpec, Mount
from sandbox.warm.program import Program, TemplateKey

_LENGTH_BYTES = 8


def make_order(spec: BoxSpec, argv: Sequence[str], program: Program, key: TemplateKey, *, cpus: Sequence[int]) -> int:
    """A descriptor, the caller's to close; its bytes are as sandbox/warm/inside/order.py reads them."""
    files = [(spec.file_path(name), data) for name, data in spec.files.items()]
    plain = {
        "argv": list(argv),
        "program": asdict(program),
        "path": program.path,
        "environment": {**environment(spec), "PWD": "/work"},  # as bubblewrap's --chdir leaves it
        "hostname": spec.hostname,
        "cpus": list(cpus),
        "limits": limits(spec),
        "disks": {"/tmp": spec.disk_bytes, "/work": spec.disk_bytes, "/dev/shm": spec.shm_bytes},  # noqa: S108
        "etc": identity_files(spec),
        "mounts": [mount.target for mount in own_mounts(spec, key)],
        "files": [[path, len(data)] for path, data in files],
    }
    text = json.dumps(plain).encode()
    return memory_file(b"".join([len(text).to_bytes(_LENGTH_BYTES, "big"), text, *(d for _, d in files)]))


def own_mounts(spec: BoxSpec, key: TemplateKey) -> list[Mount]:
    """Those that the template does not have."""
    return [mount for mount in spec.mounts if mount not in key.mounts]


def shared_paths(key: TemplateKey) -> list[str]:
    """What template and box both have at the same place."""
    folders = [f"/{name}" for name in ROOT_FOLDERS if os.path.lexists(f"/{name}")]
    files = [file for file in HOST_FILES if Path(file).exists()]
    return ["/usr", *folders, *files, *(mount.target for mount in key.mounts)]


def limits(spec: BoxSpec) -> list[tuple[int, int]]:
    """As a cold box has them (sandbox/plan.py); the number of processes is its cgroup's to bound."""
    cpu = [] if spec.cpu_s is None else [(resource.RLIMIT_CPU, int(spec.cpu_s) + 2)]
    return [(resource.RLIMIT_NOFILE, spec.open_files), (resource.RLIMIT_CORE, 0), *cpu]
