"""The engine's profile decides as the filter does: for every number, and for arguments of every shape."""

from __future__ import annotations

import json
import random

import pytest

from sandbox import syscalls
from sandbox.docker.profile import profile
from sandbox.seccomp import ALLOW, compile_filter
from tests.unit.sandbox.test_seccomp import DENIED, KNOWN, run

NAMES = {
    **{nr: name for name, nr in KNOWN.items()},
    **{
        getattr(syscalls, name): name.lower()
        for name in ("CLONE", "CLONE3", "SOCKET", "SOCKETPAIR", "IOCTL", "PERSONALITY", "KEYCTL", "MEMFD_CREATE")
    },
}
BY_ARGUMENT = ("CLONE", "SOCKET", "SOCKETPAIR", "IOCTL", "PERSONALITY", "KEYCTL")
EDGES = (0, 1, 2, 3, 9, 10, 11, 15, 16, 17, 40, 0x5411, 0x5412, 0x5413, 0x541B, 0x541C, 0x541D, 0xFFFF_FFFF)


@pytest.fixture(scope="module", params=[False, True], ids=["of a box", "of a template"])
def nests(request) -> bool:
    return request.param


@pytest.fixture(scope="module")
def rules(nests) -> dict:
    return json.loads(profile(nests=nests))


@pytest.fixture(scope="module")
def program(nests) -> bytes:
    return compile_filter(memfd=True, nests=nests)


def decide(rules: dict, nr: int, *args: int) -> int:
    """As libseccomp reads the profile. Rules that match and disagree would be decided by their order: none may."""
    padded = (*args, *([0] * (6 - len(args))))
    answers = {
        _answer(rule)
        for rule in rules["syscalls"]
        if NAMES.get(nr) in rule["names"] and all(_holds(each, padded) for each in rule["args"])
    }
    assert len(answers) <= 1, (nr, args, answers)
    return answers.pop() if answers else DENIED | rules["defaultErrnoRet"]


def _answer(rule: dict) -> int:
    return ALLOW if rule["action"] == "SCMP_ACT_ALLOW" else DENIED | rule["errnoRet"]


def _holds(condition: dict, args: tuple[int, ...]) -> bool:
    assert condition["op"] == "SCMP_CMP_MASKED_EQ"
    return args[condition["index"]] & condition["value"] == condition["valueTwo"]


def test_it_decides_as_the_filter_for_every_number(rules, program):
    for nr in range(700):
        assert decide(rules, nr) == run(program, nr), (nr, NAMES.get(nr))


@pytest.mark.parametrize("name", BY_ARGUMENT)
def test_it_decides_as_the_filter_for_arguments(rules, program, name):
    nr = getattr(syscalls, name)
    chance = random.Random(name)
    cases = [(first, second, third) for first in EDGES for second in EDGES for third in (0, 1, 16, 0xFFFF_FFFF)]
    cases += [(1 << bit, 1 << bit, 1 << bit) for bit in range(64)]
    cases += [tuple(chance.getrandbits(64) for _ in range(3)) for _ in range(2000)]
    # High bits that the kernel drops must not change what is decided.
    cases += [(first | 1 << 32, second | 1 << 63, third | 1 << 40) for first, second, third in cases[:300]]
    for case in cases:
        assert decide(rules, nr, *case) == run(program, nr, *case), case


def test_terminal_injection_is_refused_whatever_the_high_half(rules):
    for request in (0x5412, 0x541C):
        assert decide(rules, syscalls.IOCTL, 0, request | 0xDEAD << 32) == DENIED | 1


def test_it_is_for_one_architecture(rules):
    assert rules["architectures"] == ["SCMP_ARCH_X86_64"]
    assert rules["defaultAction"] == "SCMP_ACT_ERRNO"


def test_only_a_templates_may_make_namespaces():
    for nests, answer in ((False, DENIED | 1), (True, ALLOW)):
        assert decide(json.loads(profile(nests=nests)), syscalls.NESTING["unshare"], 1 << 28) == answer
