"""The filter, run by a small interpreter of classic BPF: every rule, without a kernel."""

from __future__ import annotations

import errno
import struct

import pytest

from sandbox import syscalls
from sandbox.seccomp import ALLOW, AUDIT_ARCH_X86_64, KILL, X32_BIT, compile_filter

DENIED = 0x0005_0000
KNOWN = {name: nr for table in (*syscalls.ALLOWED.values(), *syscalls.REFUSED.values()) for name, nr in table.items()}


def run(program: bytes, nr: int, *args: int, arch: int = AUDIT_ARCH_X86_64) -> int:
    """What the kernel would answer; follows every instruction that the compiler may write."""
    data = struct.pack("<IIQ6Q", nr, arch, 0, *args, *([0] * (6 - len(args))))
    steps = list(struct.iter_unpack("<HBBI", program))
    accumulator = position = 0
    while True:
        code, if_true, if_false, value = steps[position]
        position += 1
        if code == 0x06:
            return value
        if code == 0x20:
            (accumulator,) = struct.unpack_from("<I", data, value)
            continue
        holds = {
            0x15: accumulator == value,
            0x25: accumulator > value,
            0x35: accumulator >= value,
            0x45: bool(accumulator & value),
        }[code]
        position += if_true if holds else if_false


@pytest.fixture(scope="module")
def program() -> bytes:
    return compile_filter(memfd=True)


@pytest.mark.parametrize(("name", "nr"), [item for table in syscalls.ALLOWED.values() for item in table.items()])
def test_it_allows_what_the_table_allows(program, name, nr):
    assert run(program, nr) == ALLOW, name


@pytest.mark.parametrize(("name", "nr"), [item for table in syscalls.REFUSED.values() for item in table.items()])
def test_it_refuses_what_the_table_refuses(program, name, nr):
    assert run(program, nr) == DENIED | errno.EPERM, name


def test_it_answers_enosys_to_everything_else(program):
    decided = {
        *KNOWN.values(),
        syscalls.CLONE,
        syscalls.SOCKET,
        syscalls.SOCKETPAIR,
        syscalls.IOCTL,
        syscalls.PERSONALITY,
        syscalls.MEMFD_CREATE,
    }
    for nr in set(range(600)) - decided:
        assert run(program, nr) == DENIED | errno.ENOSYS, nr


@pytest.mark.parametrize("nr", [425, 426, 427, 435])
def test_io_uring_and_clone3_do_not_exist(program, nr):
    assert run(program, nr) == DENIED | errno.ENOSYS


def test_it_kills_another_architecture(program):
    assert run(program, 1, arch=0x4000_0003) == KILL  # i386, whose numbers mean other calls


@pytest.mark.parametrize("nr", [0, 1, 59])
def test_it_refuses_x32(program, nr):
    assert run(program, X32_BIT + nr) == DENIED | errno.ENOSYS


@pytest.mark.parametrize("bit", [17, 25, 26, 27, 28, 29, 30])
def test_clone_makes_no_namespace(program, bit):
    assert run(program, syscalls.CLONE, 1 << bit | 17) == DENIED | errno.EPERM


@pytest.mark.parametrize("flags", [17, 0x3D0F00, 0x4111])
def test_clone_makes_processes_and_threads(program, flags):
    assert run(program, syscalls.CLONE, flags) == ALLOW


@pytest.mark.parametrize("family", [1, 2, 10])
def test_local_and_ip_sockets_are_allowed(program, family):
    assert run(program, syscalls.SOCKET, family, 1, 0) == ALLOW


def test_of_netlink_only_routes(program):
    assert run(program, syscalls.SOCKET, 16, 3, 0) == ALLOW
    for protocol in (*range(1, 23), 0x7FFF_FFFF):
        assert run(program, syscalls.SOCKET, 16, 3, protocol) == DENIED | errno.EAFNOSUPPORT


def test_no_other_family_is_allowed(program):
    for family in set(range(64)) - {1, 2, 10, 16}:
        assert run(program, syscalls.SOCKET, family, 1, 0) == DENIED | errno.EAFNOSUPPORT


def test_socketpair_is_local(program):
    assert run(program, syscalls.SOCKETPAIR, 1, 1, 0) == ALLOW
    assert run(program, syscalls.SOCKETPAIR, 2, 1, 0) == DENIED | errno.EAFNOSUPPORT


def test_a_terminal_cannot_be_typed_into(program):
    for request in (0x5412, 0x541C, 0x1_0000_5412):  # the kernel looks at the low half only
        assert run(program, syscalls.IOCTL, 0, request) == DENIED | errno.EPERM
    assert run(program, syscalls.IOCTL, 0, 0x5401) == ALLOW


def test_address_randomisation_stays_on(program):
    assert run(program, syscalls.PERSONALITY, 0x0040000) == DENIED | errno.EPERM
    assert run(program, syscalls.PERSONALITY, 0xFFFF_FFFF) == ALLOW


def test_memfd_needs_a_cgroup():
    assert run(compile_filter(memfd=True), syscalls.MEMFD_CREATE) == ALLOW
    assert run(compile_filter(memfd=False), syscalls.MEMFD_CREATE) == DENIED | errno.ENOSYS


def test_no_call_is_both_allowed_and_refused():
    names = [name for table in (*syscalls.ALLOWED.values(), *syscalls.REFUSED.values()) for name in table]
    assert len(names) == len(set(names))
    assert len(set(KNOWN.values())) == len(KNOWN)


def test_it_fits_the_kernel_limit(program):
    assert len(program) // 8 <= 4096
    assert len(program) % 8 == 0
