"""From a BoxSpec to a container's configuration. Nothing that a learner chose is in it: argv, environment and files of
the box's own folders go to the shim, over its socket.
"""

from __future__ import annotations

import functools
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sandbox.docker.engine import OWNER_LABEL
from sandbox.docker.folder import BoxFolder
from sandbox.docker.image import SHIM
from sandbox.docker.profile import profile
from sandbox.docker.runtime import chosen_runtime
from sandbox.errors import BoxStartError
from sandbox.owner import owner_name
from sandbox.plan import BOX_UID, HOST_FILES, ROOT_FOLDERS
from sandbox.spec import MIB, BoxSpec, Mount

SOCKET = "/.rankzero/sock"
# The program would be refused the next file, too; the limit that ends the box is the monitor's.
_INODES_BEYOND = 1024
_WRITABLE = ("/work", "/tmp", "/dev/shm")  # noqa: S108  the box's own
# The engine's own list, and what a bubblewrap box does not have at all.
_MASKED = (
    "/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
    "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/dev/mqueue", "/sys",
)  # fmt: skip
_READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


def box_config(
    spec: BoxSpec, *, image: str, python: Path, folder: BoxFolder, network: str, nests: bool = False
) -> dict[str, Any]:
    """For the engine's `POST /containers/create`. `network`: "none", or "container:<id>" of a pod's holder.

    `nests`: our own template program runs inside, and makes boxes there.
    """
    runtime = chosen_runtime()
    config = _base(image, [str(python), "-I", "-S", SHIM, SOCKET], nests=nests)
    if network == "none":
        config["Hostname"] = spec.hostname
    config["HostConfig"] |= {
        "NetworkMode": network,
        "Memory": spec.memory_bytes + runtime.memory_bytes,
        "MemorySwap": spec.memory_bytes + runtime.memory_bytes,  # equal: no swap
        # The runtime starts with threads of its own, in the box's group: fewer are allowed once it is done.
        "PidsLimit": max(spec.pids + runtime.pids, runtime.pids_at_start),
        "Tmpfs": _tmpfs(spec),
        "Mounts": [_bind(source, target) for source, target in _binds(spec, folder)],
    }
    if spec.cpus is not None:
        config["HostConfig"]["CpusetCpus"] = ",".join(map(str, spec.cpus))
    if spec.gpus:
        wanted = [str(gpu) for gpu in spec.gpus]
        config["HostConfig"]["DeviceRequests"] = [{"DeviceIDs": wanted, "Capabilities": [["gpu"]]}]
    return config


def holder_config(*, image: str, python: Path, folder: BoxFolder) -> dict[str, Any]:
    """A container that only holds a network for others: its shim waits for a request that never comes."""
    spec = BoxSpec(memory_bytes=32 * MIB, pids=1, disk_bytes=4096, shm_bytes=4096, inodes=16)
    return box_config(spec, image=image, python=python, folder=folder, network="none")


def runs_in_container(path: str) -> bool:
    """Whether a file of the spec lies in one of the box's own folders, where the shim writes it."""
    return path.startswith(tuple(f"{folder}/" for folder in _WRITABLE))


def _base(image: str, command: list[str], *, nests: bool) -> dict[str, Any]:
    """What is the same for every container: no way in or out, and nothing to write on."""
    host: dict[str, Any] = {
        "ReadonlyRootfs": True,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges", *_seccomp(nests=nests)],
        "IpcMode": "private",
        "CgroupnsMode": "private",
        "LogConfig": {"Type": "none"},
        "Ulimits": [{"Name": "core", "Soft": 0, "Hard": 0}],
        # The kernel allows a new /proc only beside one of which nothing is covered.
        "MaskedPaths": [path for path in _MASKED if not (nests and path.startswith("/proc/"))],
        "ReadonlyPaths": [] if nests else list(_READ_ONLY),
        "Init": False,
        "AutoRemove": False,
    }
    if name := chosen_runtime().name:
        host["Runtime"] = name
    return {
        "Image": image,
        "Cmd": command,
        "User": f"{BOX_UID}:{BOX_UID}",
        "Env": ["NVIDIA_DRIVER_CAPABILITIES=compute,utility"],  # for the engine's GPU hook; the program never sees it
        "WorkingDir": "/",
        "Labels": {OWNER_LABEL: owner_name()},
        "HostConfig": host,
    }


@functools.cache
def _seccomp(*, nests: bool) -> tuple[str, ...]:
    return (f"seccomp={profile(nests=nests)}",) if platform.machine() == "x86_64" else ()


def _tmpfs(spec: BoxSpec) -> dict[str, str]:
    own = f"uid={BOX_UID},gid={BOX_UID},mode=0755"
    modes = {"/work": (spec.disk_bytes, own), "/tmp": (spec.disk_bytes, "mode=1777")}  # noqa: S108  the box's own
    modes["/dev/shm"] = (spec.shm_bytes, "mode=1777")  # noqa: S108  as above
    return {
        path: f"rw,exec,nosuid,nodev,size={size},nr_inodes={spec.inodes + _INODES_BEYOND},{mode}"
        for path, (size, mode) in modes.items()
    }


def _binds(spec: BoxSpec, folder: BoxFolder) -> Iterator[tuple[Path, str]]:
    """What the container sees of the host, and where."""
    yield folder.socket, SOCKET
    names = f"localhost {spec.hostname} box"
    yield folder.put("hosts", f"127.0.0.1 {names}\n::1 {names}\n".encode()), "/etc/hosts"
    # Else the engine shows the host's own, with the addresses of its name servers.
    yield folder.put("resolv.conf", b""), "/etc/resolv.conf"
    for file in HOST_FILES:
        if Path(file).exists():
            yield Path(file), file
    system = [Path("/", name) for name in ("usr", *ROOT_FOLDERS)]
    shown = [(path, str(path)) for path in system if path.is_dir() and not path.is_symlink()]
    shown += [(_source(mount), mount.target) for mount in spec.mounts]
    for source, target in shown:
        yield source, target
        yield from _submounts(source, target)
    outside = [(spec.file_path(name), data) for name, data in spec.files.items()]
    for number, (path, data) in enumerate(outside):
        if not runs_in_container(path):
            yield folder.put(f"file{number}", data), path


def _source(mount: Mount) -> Path:
    if not mount.source.exists():
        raise BoxStartError(f"mount source {mount.source} does not exist")
    return mount.source.resolve()


def _submounts(source: Path, target: str) -> Iterator[tuple[Path, str]]:
    """File systems mounted below `source`: bound one by one, because a bind along with it would stay writable."""
    for point in sorted(_mount_points()):
        if source in point.parents:
            yield point, f"{target}/{point.relative_to(source)}"


def _mount_points() -> set[Path]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return {Path(line.split(" ")[4].replace("\\040", " ")) for line in lines}


def _bind(source: Path, target: str) -> dict[str, Any]:
    return {
        "Type": "bind",
        "Source": str(source),
        "Target": target,
        "ReadOnly": True,
        "BindOptions": {"NonRecursive": True, "Propagation": "rprivate"},
    }
