"""The box's file system: the same as bubblewrap's (sandbox/plan.py), built in the copy's own mount namespace."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from sandbox.warm.inside import kernel

# Where the new root is put together; a folder of the template's own /tmp.
STAGING = "/tmp/box"  # noqa: S108
_PLAIN = kernel.MS_NOSUID | kernel.MS_NODEV
_SEALED = kernel.ATTR_RDONLY | kernel.ATTR_NOSUID | kernel.ATTR_NODEV
_DEVICES = ("null", "zero", "full", "random", "urandom")
_LINKS = {"fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}
_DISKS = {"/tmp": "1777", "/work": "0755"}  # noqa: S108


def build(shared: Sequence[str]) -> None:
    """What every box of the template has, as our root. `shared`: what is at the same place in it, read-only."""
    kernel.mount("", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
    _tmpfs(STAGING, "mode=0755")
    # Before anything else is bound below them.
    for name, mode in _DISKS.items():
        os.mkdir(STAGING + name)
        _tmpfs(STAGING + name, f"mode={mode}")
    for path in shared:
        _share(path)
    os.makedirs(STAGING + "/etc", 0o755, exist_ok=True)
    _make_proc()
    _make_devices()
    os.chdir(STAGING)
    kernel.pivot_root_here()
    os.chdir("/")


def fill(disks: Mapping[str, int], etc: Mapping[str, str], mounts: Mapping[str, int]) -> None:
    """What this box alone has. `disks`: sizes in bytes; `mounts`: detached mounts by the path that they get."""
    for name, size in disks.items():
        kernel.mount("tmpfs", name, "tmpfs", kernel.MS_REMOUNT | _PLAIN, f"size={size}")
    for name, text in etc.items():
        with open(f"/etc/{name}", "w", opener=_read_only) as file:
            file.write(text)
    for target, tree in mounts.items():
        _make_like(f"/proc/self/fd/{tree}", target)
        kernel.move_mount(tree, target)
        kernel.set_mount_attributes(target, _SEALED, recursive=True)


def seal() -> None:
    """Nothing but the disks can be written from now on."""
    kernel.set_mount_attributes("/dev", kernel.ATTR_RDONLY | kernel.ATTR_NOSUID, recursive=False)
    kernel.set_mount_attributes("/proc", kernel.ATTR_RDONLY, recursive=False)
    kernel.set_mount_attributes("/", _SEALED, recursive=False)


def _tmpfs(target: str, options: str) -> None:
    kernel.mount("tmpfs", target, "tmpfs", _PLAIN, options)


def _share(path: str) -> None:
    if os.path.islink(path):
        os.symlink(os.readlink(path), STAGING + path)
    else:
        _make_like(path, STAGING + path)
        kernel.mount(path, STAGING + path, "", kernel.MS_BIND | kernel.MS_REC)
        kernel.set_mount_attributes(STAGING + path, _SEALED, recursive=True)


def _read_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o444)


def _make_proc() -> None:
    os.mkdir(STAGING + "/proc", 0o755)
    # Before the pivot: the kernel allows a new /proc only beside one that is whole.
    kernel.mount("proc", STAGING + "/proc", "proc", _PLAIN | kernel.MS_NOEXEC)


def _make_devices() -> None:
    folder = STAGING + "/dev"
    os.mkdir(folder, 0o755)
    _tmpfs(folder, "mode=0755")
    for name in _DEVICES:
        _make_like(f"/dev/{name}", f"{folder}/{name}")
        kernel.mount(f"/dev/{name}", f"{folder}/{name}", "", kernel.MS_BIND)
    for name, target in _LINKS.items():
        os.symlink(target, f"{folder}/{name}")
    os.mkdir(folder + "/shm")
    _tmpfs(folder + "/shm", "mode=1777")


def _make_like(source: str, target: str) -> None:
    """An empty folder or file for `source` to be mounted on."""
    if os.path.isdir(source):
        os.makedirs(target, 0o755, exist_ok=True)
        return
    os.makedirs(os.path.dirname(target), 0o755, exist_ok=True)
    os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o444))
