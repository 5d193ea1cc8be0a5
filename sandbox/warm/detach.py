"""Shows host folders to boxes that live in other mount namespaces: as detached, read-only mounts in descriptors.

No box can make one writable again: the mounts pass through a second, lesser namespace, which locks their flags.
Run as `python -I -S detach.py <fd>`: a process of its own, for it needs namespaces of its own. It stays: a mount can be
attached once, so each box gets a new copy.
"""

# ruff: noqa: PTH102, PTH112, PTH123  importing pathlib would add milliseconds to the helper

from __future__ import annotations

import ctypes
import json
import os
import socket
import struct
import sys

_SYS_OPEN_TREE, _SYS_MOVE_MOUNT, _SYS_MOUNT_SETATTR = 428, 429, 442
_NEW_NS, _NEW_USER = 0x0002_0000, 0x1000_0000
_MS_REC, _MS_PRIVATE = 0x4000, 0x4_0000
_AT_FDCWD, _AT_EMPTY_PATH, _AT_RECURSIVE = -100, 0x1000, 0x8000
_OPEN_TREE_CLONE = 1
_FROM_DESCRIPTOR = 4
_LONGEST = 1024 * 1024
_PLACE = "/tmp"  # noqa: S108  covered by a tmpfs of our own
_RDONLY_NOSUID_NODEV = 1 | 2 | 4


def main() -> None:
    """The first packet lists paths; each after it lists numbers of them, and is answered with as many descriptors.

    An answer that starts with "x" says what failed. Ends when the host closes.
    """
    host = socket.socket(fileno=int(sys.argv[1]))
    try:
        _new_namespaces()
        _check(_libc().mount(None, b"/", None, _MS_REC | _MS_PRIVATE, None), "make / private")
        _lock([_detach(path) for path in json.loads(host.recv(_LONGEST))])
    except OSError as error:
        host.send(b"x" + str(error).encode())
        return
    host.send(b"k")
    while wanted := host.recv(_LONGEST):
        _answer(host, [_place(number) for number in json.loads(wanted)])


def _answer(host: socket.socket, places: list[str]) -> None:
    trees: list[int] = []
    try:
        for place in places:
            trees.append(_open_tree(place))  # noqa: PERF401  what is open must be known
        socket.send_fds(host, [b"k"], trees)
    except OSError as error:
        host.send(b"x" + str(error).encode())
    finally:
        for tree in trees:
            os.close(tree)


def _new_namespaces() -> None:
    """Our user stays mapped to itself, or the second time would be refused."""
    uid, gid = os.geteuid(), os.getegid()
    _check(_libc().unshare(_NEW_USER | _NEW_NS), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def _detach(path: str) -> int:
    """A mount of `path` that is attached nowhere, read-only."""
    tree = _open_tree(path)
    change = struct.pack("QQQQ", _RDONLY_NOSUID_NODEV, 0, 0, 0)
    flags = _AT_EMPTY_PATH | _AT_RECURSIVE
    _check(_libc().syscall(_SYS_MOUNT_SETATTR, tree, b"", flags, change, len(change)), f"protect {path}")
    return tree


def _lock(trees: list[int]) -> None:
    """Attach them, and go on in a namespace that may not change their flags."""
    # What lies here stays reachable: it was opened before.
    _check(_libc().mount(b"tmpfs", _PLACE.encode(), b"tmpfs", 0, b"mode=0755,size=1m"), "mount a tmpfs")
    for number, tree in enumerate(trees):
        place = _place(number)
        _make_like(f"/proc/self/fd/{tree}", place)
        _check(
            _libc().syscall(_SYS_MOVE_MOUNT, tree, b"", _AT_FDCWD, place.encode(), _FROM_DESCRIPTOR), "attach a mount"
        )
        os.close(tree)
    _new_namespaces()


def _place(number: int) -> str:
    return f"{_PLACE}/{number}"


def _make_like(source: str, target: str) -> None:
    if os.path.isdir(source):
        os.mkdir(target)
    else:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600))


def _open_tree(path: str) -> int:
    flags = _OPEN_TREE_CLONE | _AT_RECURSIVE | os.O_CLOEXEC
    return _check(_libc().syscall(_SYS_OPEN_TREE, _AT_FDCWD, path.encode(), flags), f"open_tree {path}")


def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    return libc


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return int(result)


if __name__ == "__main__":
    main()
