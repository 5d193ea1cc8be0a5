"""From a BoxSpec to bubblewrap's arguments. Bytes go in through descriptors, never through files on the host."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import spawner
from sandbox.errors import BoxStartError
from sandbox.spec import BoxSpec

BOX_UID = 10001
HOST_FILES = ("/etc/ld.so.cache", "/etc/alternatives")
ROOT_FOLDERS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_GPU_SHARED = ("/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools")
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/work", "LANG": "C.UTF-8", "TMPDIR": "/tmp"}  # noqa: S108


Stage = Callable[[Path], str]


@dataclass(slots=True, kw_only=True)
class Plan:
    """What a spare and bubblewrap need for one box. The descriptors are ours to close.

    `limits`: resource limits, which bubblewrap and the program inherit.
    """

    args: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    limits: dict[str, int] = field(default_factory=dict)
    held: list[int] = field(default_factory=list)

    def add(self, *args: str) -> None:
        self.args += args

    def hold(self, data: bytes) -> str:
        """A descriptor from which bubblewrap can read `data`, as an argument."""
        return self.adopt(memory_file(data))

    def adopt(self, fd: int) -> str:
        """`fd`, which becomes the plan's, as bubblewrap will know it."""
        self.held.append(fd)
        return str(spawner.FIRST_HELD + len(self.held) - 1)

    def close(self) -> None:
        while self.held:
            os.close(self.held.pop())


def memory_file(data: bytes) -> int:
    """A descriptor of an unnamed file that holds `data`, at its beginning."""
    fd = os.memfd_create("box", os.MFD_CLOEXEC)
    try:
        with open(fd, "wb", closefd=False) as file:
            file.write(data)
        os.lseek(fd, 0, os.SEEK_SET)
    except BaseException:
        os.close(fd)
        raise
    return fd


def make_plan(
    spec: BoxSpec,
    argv: Sequence[str],
    *,
    seccomp: bytes,
    status_fd: int,
    stage: Stage | None = None,
    share_net: bool = False,
    bound_pids: bool = False,
    nests: bool = False,
) -> Plan:
    """Everything but the limits that the account holds. `status_fd` becomes the plan's.

    `stage`: makes a source reachable for whom bubblewrap runs as, and says where it is. `share_net`: the network is
    that of whoever starts it. `bound_pids`: no account holds the number of processes. `nests`: our own template program
    runs inside, and makes boxes there.
    """
    plan = Plan()
    try:
        plan.add("--json-status-fd", plan.adopt(status_fd))
        _add_isolation(plan, spec, share_net=share_net, nests=nests)
        _add_system(plan)
        _add_identity(plan, spec)
        _add_devices(plan, spec)
        _add_contents(plan, spec, stage or str)
        if not nests:
            # /proc/1/mem, and the settings of the box's own namespaces: bubblewrap leaves both writable.
            plan.add("--remount-ro", "/proc")
        # Last, or the root itself would stay writable.
        plan.add("--remount-ro", "/", "--chdir", "/work")
        plan.add("--seccomp", plan.hold(seccomp))
        plan.limits = _limits(spec)
        plan.command = [*_started_by(spec, bound_pids=bound_pids), *argv]
    except BaseException:
        plan.close()
        raise
    return plan


def _add_isolation(plan: Plan, spec: BoxSpec, *, share_net: bool, nests: bool) -> None:
    plan.add("--unshare-all", "--unshare-user", "--die-with-parent", "--new-session")
    if share_net:
        plan.add("--share-net")
    if not nests:
        plan.add("--disable-userns")
    plan.add("--cap-drop", "ALL", "--clearenv", "--hostname", spec.hostname)
    plan.add("--uid", str(BOX_UID), "--gid", str(BOX_UID))
    for name, value in environment(spec).items():
        plan.add("--setenv", name, value)


def environment(spec: BoxSpec) -> dict[str, str]:
    """The whole environment of the box's program."""
    return {**_ENVIRONMENT, **spec.env}


def _add_system(plan: Plan) -> None:
    plan.add("--ro-bind", "/usr", "/usr")
    for name in ROOT_FOLDERS:
        folder = Path("/", name)
        if folder.is_symlink():
            plan.add("--symlink", str(folder.readlink()), str(folder))
        elif folder.is_dir():
            plan.add("--ro-bind", str(folder), str(folder))
    plan.add("--perms", "0755", "--dir", "/etc")
    for file in HOST_FILES:
        plan.add("--ro-bind-try", file, file)


def _add_identity(plan: Plan, spec: BoxSpec) -> None:
    for name, text in identity_files(spec).items():
        plan.add("--perms", "0444", "--file", plan.hold(text.encode()), f"/etc/{name}")


def identity_files(spec: BoxSpec) -> dict[str, str]:
    """What lies in the box's /etc: who its user is, and what its own name means."""
    names = "localhost" if spec.hostname == "localhost" else f"localhost {spec.hostname}"
    return {
        "passwd": f"learner:x:{BOX_UID}:{BOX_UID}:learner:/work:/bin/sh\n",
        "group": f"learner:x:{BOX_UID}:\n",
        # The host's own name must resolve at once, or gloo waits half a minute for a name server.
        "hosts": f"127.0.0.1 {names}\n::1 {names}\n",
        "hostname": f"{spec.hostname}\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    }


def _add_devices(plan: Plan, spec: BoxSpec) -> None:
    plan.add("--proc", "/proc", "--dev", "/dev")
    for device in _gpu_devices(spec.gpus):
        plan.add("--dev-bind", device, device)
    plan.add("--perms", "1777", "--size", str(spec.shm_bytes), "--tmpfs", "/dev/shm")  # noqa: S108
    plan.add("--remount-ro", "/dev")


def _gpu_devices(gpus: Sequence[int]) -> list[str]:
    if not gpus:
        return []
    wanted = [f"/dev/nvidia{gpu}" for gpu in gpus]
    for device in wanted:
        if not Path(device).exists():
            raise BoxStartError(f"{device} is not there: the spec asks for a GPU that this machine lacks")
    return [*wanted, *(device for device in _GPU_SHARED if Path(device).exists())]


def _add_contents(plan: Plan, spec: BoxSpec, stage: Stage) -> None:
    plan.add("--perms", "1777", "--size", str(spec.disk_bytes), "--tmpfs", "/tmp")  # noqa: S108
    plan.add("--perms", "0755", "--size", str(spec.disk_bytes), "--tmpfs", "/work")
    for mount in spec.mounts:
        if not mount.source.exists():
            raise BoxStartError(f"mount source {mount.source} does not exist")
        plan.add("--ro-bind", stage(mount.source.resolve()), mount.target)
    for name, data in spec.files.items():
        plan.add("--perms", "0644", "--file", plan.hold(data), spec.file_path(name))


def _limits(spec: BoxSpec) -> dict[str, int]:
    limits = {"RLIMIT_NOFILE": spec.open_files, "RLIMIT_CORE": 0}
    return limits if spec.cpu_s is None else {**limits, "RLIMIT_CPU": int(spec.cpu_s) + 2}


def _started_by(spec: BoxSpec, *, bound_pids: bool) -> list[str]:
    """A program that cannot be started ends with 126 or 127: bubblewrap itself would fail as if it had no box.

    Set inside the box's user namespace, NPROC counts this box alone; bubblewrap's pid 1 is one of them. Where a cgroup
    counts, it is left out: refused by NPROC first, a fork would not show in the cgroup.
    """
    return ["/usr/bin/prlimit", f"--nproc={spec.pids + 1}" if bound_pids else "--core=0", "--"]
