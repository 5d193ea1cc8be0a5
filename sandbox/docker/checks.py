"""How each limit is held in a container, for `doctor`."""

from __future__ import annotations

import os
import platform

from sandbox.backend import LimitCheck
from sandbox.docker.runtime import chosen_runtime
from sandbox.plan import BOX_UID
from sandbox.spec import UsageSource

_NAMESPACES = "pid, mount, net, ipc, uts, cgroup; no user namespace"


def limit_checks(version: str, source: UsageSource) -> list[LimitCheck]:
    """`version`: the engine's; `source`: where its containers' figures are read."""
    cgroup = {"cgroup2": "cgroup v2", "cgroup1": "cgroup v1"}.get(source, "unknown")
    runtime = chosen_runtime()
    group = f"{cgroup} of the container"
    # Another kernel's processes and files are not ours to count one by one.
    counted = ", looked at while running" if runtime.shares_kernel and os.geteuid() == 0 else ""
    on_x86 = platform.machine() == "x86_64"
    kernel = "its own kernel" if not runtime.shares_kernel else "the host's kernel"
    held = {
        "memory": group,
        "pids": group if runtime.shares_kernel else f"{group}, {runtime.pids} more than asked for",
        "cpu_seconds": f"{group}, looked at while running",
        "cpus": "cpuset for named cores, affinity for shared ones; the box may not change it",
        "wall": "a timer outside the box",
        "disk": "tmpfs of fixed size",
        "inodes": f"tmpfs with a fixed number of inodes{counted}",
        "open_files": f"RLIMIT_NOFILE of each process{', looked at while running' if runtime.shares_kernel else ''}",
        "output": "drained and dropped above the cap",
        "namespaces": f"Docker {version}, runtime {runtime.name or 'of the engine'}: {_NAMESPACES}, {kernel}",
        "network": "none: loopback only",
        "user": f"uid {BOX_UID}, no capabilities, no new privileges",
        "seccomp": "allow-list" if on_x86 else f"none for {platform.machine()}",
    }
    return [LimitCheck(name=name, how=how, ok=name != "seccomp" or on_x86) for name, how in held.items()]
