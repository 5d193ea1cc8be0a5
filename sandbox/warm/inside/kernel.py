"""The kernel calls that Python does not offer. Each raises OSError with what was tried."""

from __future__ import annotations

import ctypes
import os
import struct

# PyDLL keeps the GIL: nothing of Python may run between a raw clone and the repairs after it.
_libc = ctypes.PyDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long

_SYS_CLONE, _SYS_CAPSET, _SYS_PIVOT_ROOT, _SYS_KEYCTL = 56, 126, 155, 250
_SYS_MOVE_MOUNT, _SYS_CLOSE_RANGE, _SYS_MOUNT_SETATTR = 429, 436, 442
_AT_FDCWD, _AT_RECURSIVE, _MOVE_MOUNT_F_EMPTY_PATH = -100, 0x8000, 4
_MNT_DETACH = 2
_CAPABILITY_VERSION_3 = 0x2008_0522
_LAST_FD = 0xFFFF_FFFF

MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 0x20, 0x1000, 0x4000, 0x4_0000
ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV, ATTR_NOEXEC = 1, 2, 4, 8


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return int(result)


def clone(flags: int) -> int:
    """Like os.fork, into new namespaces. The caller repairs the interpreter in the child (PyOS_AfterFork_Child)."""
    return _check(_libc.syscall(_SYS_CLONE, ctypes.c_ulong(flags), 0, 0, 0, 0), "clone")


def unshare(flags: int) -> None:
    _check(_libc.unshare(flags), "unshare")


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    arguments = (source.encode(), target.encode(), kind.encode() or None, ctypes.c_ulong(flags), options.encode())
    _check(_libc.mount(*arguments), f"mount {kind or source} on {target}")


def set_mount_attributes(target: str, attributes: int, *, recursive: bool) -> None:
    """Set, never clear."""
    change = struct.pack("QQQQ", attributes, 0, 0, 0)
    flags = _AT_RECURSIVE if recursive else 0
    _check(
        _libc.syscall(_SYS_MOUNT_SETATTR, _AT_FDCWD, target.encode(), flags, change, len(change)), f"protect {target}"
    )


def move_mount(tree: int, target: str) -> None:
    """Attach a detached mount to `target`."""
    arguments = (tree, b"", _AT_FDCWD, target.encode(), _MOVE_MOUNT_F_EMPTY_PATH)
    _check(_libc.syscall(_SYS_MOVE_MOUNT, *arguments), f"move_mount to {target}")


def pivot_root_here() -> None:
    """Make the working directory the root, and let go of the old one."""
    _check(_libc.syscall(_SYS_PIVOT_ROOT, b".", b"."), "pivot_root")
    _check(_libc.umount2(b".", _MNT_DETACH), "let go of the old root")


def prctl(option: int, value: int | ctypes.Array[ctypes.c_char], third: int | ctypes.c_void_p = 0) -> None:
    _check(_libc.prctl(option, value, third, 0, 0), f"prctl({option})")


def drop_from_bounding_set(capability: int) -> bool:
    """False once there is no such capability."""
    return bool(_libc.prctl(24, capability, 0, 0, 0) == 0)


def drop_capabilities() -> None:
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    _check(_libc.syscall(_SYS_CAPSET, header, bytes(24)), "capset")


def new_session_keyring() -> None:
    """A keyring of our own; what we had may be the operator's. A kernel without keyrings is fine."""
    _libc.syscall(_SYS_KEYCTL, 1, None, 0, 0, 0)


def close_from(first: int) -> None:
    _check(_libc.syscall(_SYS_CLOSE_RANGE, first, ctypes.c_uint(_LAST_FD), 0), "close_range")


def close_below(fd: int) -> None:
    """Close descriptors 0 to `fd` - 1."""
    _check(_libc.syscall(_SYS_CLOSE_RANGE, 0, ctypes.c_uint(fd - 1), 0), "close_range")


def overwrite(address: int, data: bytes) -> None:
    """Write into our own memory."""
    ctypes.memmove(address, data, len(data))
