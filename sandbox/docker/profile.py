"""The box's system call filter as a profile for the engine: the same decisions as seccomp.py's, for x86-64 only.

libseccomp compares 64 bits where the kernel looks at the low 32 of an int: every comparison is masked to those, and
"anything but" is spelled out as ranges of bits, so that no two rules overlap.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sandbox import syscalls
from sandbox.seccomp import (
    AF_INET,
    AF_INET6,
    AF_NETLINK,
    AF_UNIX,
    JOIN_SESSION_KEYRING,
    NETLINK_ROUTE,
    NEW_NAMESPACES,
    PERSONALITIES,
    TERMINAL_INJECTION,
)

_WORD = 0xFFFF_FFFF
_BITS = 32
_ALLOW = "SCMP_ACT_ALLOW"
_ERRNO = "SCMP_ACT_ERRNO"

Rule = dict[str, Any]


def profile(*, nests: bool = False) -> str:
    """The profile as JSON, for HostConfig.SecurityOpt.

    `nests`: allow what it takes to make a box; for our own template program, never for a learner's.
    """
    nesting = {*syscalls.NESTING, "keyctl"} if nests else set()
    refused = [name for calls in syscalls.REFUSED.values() for name in calls if name not in nesting]
    return json.dumps(
        {
            # As on an older kernel, so that programs fall back.
            "defaultAction": _ERRNO,
            "defaultErrnoRet": errno.ENOSYS,
            "architectures": ["SCMP_ARCH_X86_64"],
            "syscalls": [
                # memfd_create: what no process has mapped is counted by the container's cgroup.
                _allow([*(name for calls in syscalls.ALLOWED.values() for name in calls), "memfd_create"]),
                _deny(refused, errno.EPERM),
                # clone3 hides its flags behind a pointer, which a filter cannot follow: ENOSYS makes libc use clone.
                _deny(["clone3"], errno.ENOSYS),
                *(_nesting_rules() if nests else _clone_rules()),
                *_socket_rules(),
                *_split("socketpair", 0, [AF_UNIX], others=errno.EAFNOSUPPORT),
                *_split("personality", 0, PERSONALITIES, others=errno.EPERM),
                *_ioctl_rules(),
            ],
        }
    )


def _allow(names: Sequence[str], *args: Rule) -> Rule:
    return {"names": list(names), "action": _ALLOW, "args": list(args)}


def _deny(names: Sequence[str], number: int, *args: Rule) -> Rule:
    return {"names": list(names), "action": _ERRNO, "errnoRet": number, "args": list(args)}


def _masked(index: int, mask: int, value: int) -> Rule:
    """Holds where (argument & mask) == value."""
    return {"index": index, "value": mask, "valueTwo": value, "op": "SCMP_CMP_MASKED_EQ"}


def _is(index: int, value: int) -> Rule:
    return _masked(index, _WORD, value)


def _clone_rules() -> Iterator[Rule]:
    yield _allow(["clone"], _masked(0, NEW_NAMESPACES, 0))
    for bit in range(_BITS):
        if NEW_NAMESPACES >> bit & 1:
            yield _deny(["clone"], errno.EPERM, _masked(0, 1 << bit, 1 << bit))


def _nesting_rules() -> Iterator[Rule]:
    yield _allow(list(syscalls.NESTING))
    yield from _split("keyctl", 0, [JOIN_SESSION_KEYRING], others=errno.EPERM)


def _socket_rules() -> Iterator[Rule]:
    """Local, IPv4 and IPv6 sockets; of netlink only routes, which getifaddrs (gloo) asks for."""
    for family in (AF_UNIX, AF_INET, AF_INET6):
        yield _allow(["socket"], _is(0, family))
    yield _allow(["socket"], _is(0, AF_NETLINK), _is(2, NETLINK_ROUTE))
    for mask, value in _all_but([NETLINK_ROUTE]):
        yield _deny(["socket"], errno.EAFNOSUPPORT, _is(0, AF_NETLINK), _masked(2, mask, value))
    for mask, value in _all_but([AF_UNIX, AF_INET, AF_INET6, AF_NETLINK]):
        yield _deny(["socket"], errno.EAFNOSUPPORT, _masked(0, mask, value))


def _ioctl_rules() -> Iterator[Rule]:
    for request in TERMINAL_INJECTION:
        yield _deny(["ioctl"], errno.EPERM, _is(1, request))
    for mask, value in _all_but(TERMINAL_INJECTION):
        yield _allow(["ioctl"], _masked(1, mask, value))


def _split(name: str, index: int, allowed: Iterable[int], *, others: int) -> Iterator[Rule]:
    """Allow `name` for these values of an argument, and refuse it for all others."""
    values = list(allowed)
    for value in values:
        yield _allow([name], _is(index, value))
    for mask, value in _all_but(values):
        yield _deny([name], others, _masked(index, mask, value))


def _all_but(values: Iterable[int], bits: int = _BITS, prefix: int = 0) -> Iterator[tuple[int, int]]:
    """(mask, value) pairs that together match every 32-bit number but `values`, each number once.

    Walks the tree of leading bits: a branch that holds none of `values` is one pair.
    """
    inside = [value for value in values if value >> bits == prefix]
    if not inside:
        yield (_WORD << bits) & _WORD, prefix << bits
    elif bits:
        yield from _all_but(inside, bits - 1, prefix << 1)
        yield from _all_but(inside, bits - 1, prefix << 1 | 1)
