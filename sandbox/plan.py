"""From a BoxSpec to bubblewrap's arguments. Bytes go in through descriptors, never through files on the host."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import launcher
from sandbox.errors import BoxStartError
from sandbox.spec import BoxSpec

BOX_UID = 10001
_FIRST_FD = 10  # clear of 0–3, which the launcher arranges
HOST_FILES = ("/etc/ld.so.cache", "/etc/alternatives")
ROOT_FOLDERS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_GPU_SHARED = ("/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools")
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/work", "LANG": "C.UTF-8", "TMPDIR": "/tmp"}  # noqa: S108


@dataclass(slots=True, kw_only=True)
class Plan:
    """What the launcher and bubblewrap need for one box. The descriptors are ours to close."""

    args: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    fds: list[int] = field(default_factory=list)
    stage: list[str] = field(default_factory=list)

    def add(self, *args: str) -> None:
        self.args += args

    def hold(self, data: bytes) -> str:
        """A descriptor from which `data` can be read, as an argument."""
        self.fds.append(memory_file(data))
        return str(self.fds[-1])

    def source(self, path: Path, *, staged: bool) -> str:
        """Where bubblewrap finds `path`: as it is, or where the launcher will have bound it."""
        if not staged:
            return str(path)
        if str(path) not in self.stage:
            self.stage.append(str(path))
        return f"{launcher.STAGING}/{self.stage.index(str(path))}"

    def close(self) -> None:
        while self.fds:
            os.close(self.fds.pop())


def memory_file(data: bytes) -> int:
    """A descriptor of an unnamed file that holds `data`, at its beginning."""
    fd = os.memfd_create("box", os.MFD_CLOEXEC)
    try:
        with open(fd, "wb", closefd=False) as file:
            file.write(data)
        os.lseek(fd, 0, os.SEEK_SET)
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _FIRST_FD)
    finally:
        os.close(fd)


def make_plan(
    spec: BoxSpec, argv: Sequence[str], *, seccomp: bytes, status_fd: int, staged: bool, nests: bool = False
) -> Plan:
    """Everything but the limits that the launcher and the account hold.

    `staged`: sources are bound by the launcher. `nests`: our own template program runs inside, and makes boxes there.
    """
    plan = Plan()
    try:
        _add_isolation(plan, spec, nests=nests)
        _add_system(plan)
        _add_identity(plan, spec)
        _add_devices(plan, spec)
        _add_contents(plan, spec, staged=staged)
        # Last, or the root itself would stay writable.
        plan.add("--remount-ro", "/", "--chdir", "/work")
        plan.add("--seccomp", plan.hold(seccomp), "--json-status-fd", str(status_fd))
        plan.command = _limited(spec, argv)
    except BaseException:
        plan.close()
        raise
    return plan


def _add_isolation(plan: Plan, spec: BoxSpec, *, nests: bool) -> None:
    plan.add("--unshare-all", "--unshare-user", "--die-with-parent", "--new-session")
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


def _add_contents(plan: Plan, spec: BoxSpec, *, staged: bool) -> None:
    plan.add("--perms", "1777", "--size", str(spec.disk_bytes), "--tmpfs", "/tmp")  # noqa: S108
    plan.add("--perms", "0755", "--size", str(spec.disk_bytes), "--tmpfs", "/work")
    for mount in spec.mounts:
        if not mount.source.exists():
            raise BoxStartError(f"mount source {mount.source} does not exist")
        plan.add("--ro-bind", plan.source(mount.source.resolve(), staged=staged), mount.target)
    for name, data in spec.files.items():
        plan.add("--perms", "0644", "--file", plan.hold(data), spec.file_path(name))


def _limited(spec: BoxSpec, argv: Sequence[str]) -> list[str]:
    """Set inside the box's user namespace, NPROC counts this box alone; bubblewrap's pid 1 is one of them."""
    cpu = [] if spec.cpu_s is None else [f"--cpu={int(spec.cpu_s) + 2}"]
    return [
        "/usr/bin/prlimit",
        f"--nproc={spec.pids + 1}",
        f"--nofile={spec.open_files}",
        *cpu,
        "--core=0",
        "--",
        *argv,
    ]
