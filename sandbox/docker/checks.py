"""How each limit is held in a container, for `doctor`."""

from __future__ import annotations

import os
import platform

from sandbox.backend import LimitCheck
from sandbox.plan import BOX_UID
from sandbox.spec import UsageSource


def limit_checks(version: str, source: UsageSource) -> list[LimitCheck]:
    """`version`: the engine's; `source`: where its containers' figures are read."""
    cgroup = {"cgroup2": "cgroup v2", "cgroup1": "cgroup v1"}.get(source, "unknown")
    runtime = os.environ.get("RANKZERO_DOCKER_RUNTIME") or "the engine's default"
    on_x86 = platform.machine() == "x86_64"
    held = {
        "memory": f"{cgroup} of the container",
        "pids": f"{cgroup} of the container",
        "cpu_seconds": f"{cgroup} of the container, looked at while running",
        "cpus": "cpuset for named cores, affinity for shared ones; the box may not change it",
        "wall": "a timer outside the box",
        "disk": "tmpfs of fixed size",
        "inodes": "tmpfs with a fixed number of inodes" + (", looked at while running" if os.geteuid() == 0 else ""),
        "open_files": "RLIMIT_NOFILE",
        "output": "drained and dropped above the cap",
        "namespaces": f"Docker {version}, runtime {runtime}: pid, mount, net, ipc, uts, cgroup; no user namespace",
        "network": "none: loopback only",
        "user": f"uid {BOX_UID}, no capabilities, no new privileges",
        "seccomp": "allow-list" if on_x86 else f"none for {platform.machine()}",
    }
    return [LimitCheck(name=name, how=how, ok=name != "seccomp" or on_x86) for name, how in held.items()]
