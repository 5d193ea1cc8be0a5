"""The box's system call filter: an allow-list compiled to classic BPF, for x86-64 only."""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterable

from sandbox import syscalls

AUDIT_ARCH_X86_64 = 0xC000003E
X32_BIT = 0x4000_0000

# Offsets in struct seccomp_data; arguments are 64 bits, low half first.
_NR, _ARCH = 0, 4
_ARG_LOW = tuple(16 + 8 * index for index in range(6))

_LD, _JEQ, _JGT, _JGE, _JSET, _RET = 0x20, 0x15, 0x25, 0x35, 0x45, 0x06
_INSTRUCTION = struct.Struct("<HBBI")

ALLOW = 0x7FFF_0000
KILL = 0x8000_0000
_ERRNO = 0x0005_0000

# CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}: no namespace is made inside a box. NEWTIME exists only for clone3.
NEW_NAMESPACES = 0x0002_0000 | 0x0200_0000 | 0x0400_0000 | 0x0800_0000 | 0x1000_0000 | 0x2000_0000 | 0x4000_0000
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
NETLINK_ROUTE = 0
JOIN_SESSION_KEYRING = 1
# TIOCSTI types into the caller's terminal, TIOCLINUX pastes into it.
TERMINAL_INJECTION = (0x5412, 0x541C)
# 0 is plain Linux, 0xffffffff only asks; the others weaken address randomisation.
PERSONALITIES = (0, 0xFFFF_FFFF)

Instruction = tuple[int, int, int, int]


def compile_filter(*, memfd: bool, nests: bool = False) -> bytes:
    """The filter as `struct sock_filter[]`, for `bwrap --seccomp`.

    `memfd`: allow memfd_create; only right where a cgroup counts memory that no process has mapped.
    `nests`: allow what it takes to make a box; for our own template program, never for a learner's.
    """
    nesting = syscalls.NESTING if nests else {}
    refused = {nr for calls in syscalls.REFUSED.values() for nr in calls.values()} - set(nesting.values())
    program = [
        (_LD, 0, 0, _ARCH),
        (_JEQ, 1, 0, AUDIT_ARCH_X86_64),
        (_RET, 0, 0, KILL),
        (_LD, 0, 0, _NR),
        (_JGE, 0, 1, X32_BIT),
        (_RET, 0, 0, _deny(errno.ENOSYS)),
        *_argument_rules(nests=nests),
        *(step for nr in sorted(refused) for step in _when(nr, errno.EPERM)),
        *_allow_ranges(sorted({*_allowed_numbers(memfd=memfd), *nesting.values()})),
        (_RET, 0, 0, _deny(errno.ENOSYS)),
    ]
    return b"".join(_INSTRUCTION.pack(*step) for step in program)


def _deny(number: int) -> int:
    return _ERRNO | number


def _when(nr: int, number: int) -> list[Instruction]:
    return [(_JEQ, 0, 1, nr), (_RET, 0, 0, _deny(number))]


def _guarded(nr: int, body: list[Instruction]) -> list[Instruction]:
    """`body` for system call `nr` alone; the body ends in a return on every path."""
    return [(_JEQ, 0, len(body), nr), *body]


def _argument_rules(*, nests: bool) -> list[Instruction]:
    new_namespaces = [] if nests else _guarded(syscalls.CLONE, _clone_rule())
    new_keyring = _one_of(0, (JOIN_SESSION_KEYRING,), hit=ALLOW, miss=_deny(errno.EPERM))
    # clone3 hides its flags behind a pointer, which a filter cannot follow: ENOSYS makes libc use clone.
    return [
        *_when(syscalls.CLONE3, errno.ENOSYS),
        *new_namespaces,
        *(_guarded(syscalls.KEYCTL, new_keyring) if nests else []),
        *_guarded(syscalls.SOCKET, _socket_rule()),
        *_guarded(syscalls.SOCKETPAIR, _one_of(0, (AF_UNIX,), hit=ALLOW, miss=_deny(errno.EAFNOSUPPORT))),
        *_guarded(syscalls.IOCTL, _one_of(1, TERMINAL_INJECTION, hit=_deny(errno.EPERM), miss=ALLOW)),
        *_guarded(syscalls.PERSONALITY, _one_of(0, PERSONALITIES, hit=ALLOW, miss=_deny(errno.EPERM))),
    ]


def _clone_rule() -> list[Instruction]:
    return [
        (_LD, 0, 0, _ARG_LOW[0]),
        (_JSET, 0, 1, NEW_NAMESPACES),
        (_RET, 0, 0, _deny(errno.EPERM)),
        (_RET, 0, 0, ALLOW),
    ]


def _socket_rule() -> list[Instruction]:
    """Local, IPv4 and IPv6 sockets; of netlink only routes, which getifaddrs (gloo) asks for."""
    return [
        (_LD, 0, 0, _ARG_LOW[0]),
        (_JEQ, 5, 0, AF_UNIX),
        (_JEQ, 4, 0, AF_INET),
        (_JEQ, 3, 0, AF_INET6),
        (_JEQ, 0, 3, AF_NETLINK),
        (_LD, 0, 0, _ARG_LOW[2]),
        (_JEQ, 0, 1, NETLINK_ROUTE),
        (_RET, 0, 0, ALLOW),
        (_RET, 0, 0, _deny(errno.EAFNOSUPPORT)),
    ]


def _one_of(argument: int, values: Iterable[int], *, hit: int, miss: int) -> list[Instruction]:
    choices = list(values)
    tests = [(_JEQ, len(choices) - index, 0, value) for index, value in enumerate(choices)]
    return [(_LD, 0, 0, _ARG_LOW[argument]), *tests, (_RET, 0, 0, miss), (_RET, 0, 0, hit)]


def _allowed_numbers(*, memfd: bool) -> list[int]:
    numbers = {nr for group in syscalls.ALLOWED.values() for nr in group.values()}
    return sorted(numbers | ({syscalls.MEMFD_CREATE} if memfd else set()))


def _allow_ranges(numbers: list[int]) -> list[Instruction]:
    """Runs of neighbouring numbers, three instructions each."""
    program: list[Instruction] = []
    start = previous = numbers[0]
    for nr in [*numbers[1:], X32_BIT]:
        if nr != previous + 1:
            program += [(_JGE, 0, 2, start), (_JGT, 1, 0, previous), (_RET, 0, 0, ALLOW)]
            start = nr
        previous = nr
    return program
