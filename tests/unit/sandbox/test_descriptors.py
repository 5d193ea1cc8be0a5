"""Whether a process has had as many open files as it may, told from outside."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from sandbox import descriptors
from sandbox.descriptors import Descriptors

OPEN = """
import os, resource
resource.setrlimit(resource.RLIMIT_NOFILE, ({limit},) * 2)
held = []
try:
    while len(held) < {count} - 3: held.append(os.dup(0))
except OSError: pass
if {close}: os.closerange(3, {limit})
print("now", flush=True)
input()
"""
Opener = Callable[..., int]


@pytest.fixture
def opener() -> Iterator[Opener]:
    """Starts a process with that many descriptors under a limit; its number."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*, limit: int, count: int, close: bool = False) -> int:
        code = OPEN.format(limit=limit, count=count, close=close)
        process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"now\n"
        return process.pid

    yield start
    for process in started:
        process.communicate()


def reached(limit: int, *pids: int) -> bool:
    looked = Descriptors(limit)
    looked.look(pids)
    return looked.reached


@pytest.mark.parametrize("limit", [100, 257, 1025])
def test_a_full_table_is_seen(opener, limit):
    assert reached(limit, opener(limit=limit, count=limit))
    assert not reached(limit, opener(limit=limit, count=limit - 5))


@pytest.mark.parametrize("limit", [257, 1025])
def test_one_that_was_full_is_seen_as_well(opener, limit):
    assert reached(limit, opener(limit=limit, count=limit, close=True))
    assert not reached(limit, opener(limit=limit, count=limit - 5, close=True))


def test_one_among_many_is_enough_and_stays(opener):
    few, full = opener(limit=100, count=10), opener(limit=100, count=100)
    looked = Descriptors(100)
    looked.look([few])
    assert not looked.reached
    looked.look([few, full])
    looked.look([few])
    assert looked.reached


def test_a_process_that_is_gone_has_reached_nothing():
    child = subprocess.Popen(["/bin/true"])
    child.wait()
    assert not reached(257, child.pid)
    assert not reached(100, child.pid)


def test_older_kernels_have_the_names_counted(opener, monkeypatch):
    monkeypatch.setattr(descriptors.os, "stat", lambda _: SimpleNamespace(st_size=0))
    assert reached(100, opener(limit=100, count=100))
    assert not reached(100, opener(limit=100, count=90))


def test_a_name_cannot_forge_a_table():
    renamed = "open('/proc/self/comm', 'w').write('\\nFDSize:\\t999'); print('now', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", renamed], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"now\n"
        assert "\\nFDSize:\t999" in Path(f"/proc/{process.pid}/status").read_text().splitlines()[0]
        assert not reached(257, process.pid)
        process.communicate()
