"""Templates: looked over before they serve, replaced when old, dropped when idle, given up where they cannot be had."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox import BoxSpec, Mount
from sandbox.bubblewrap import BubblewrapBackend, template_host
from sandbox.launching import Launch, Launcher
from sandbox.leases import Place, machine_book
from sandbox.owner import start_ticks
from sandbox.seccomp import compile_filter
from sandbox.warm import keeper as keeper_module
from sandbox.warm.host import Host
from sandbox.warm.keeper import WarmKeeper
from sandbox.warm.waiting import DEPTH
from tests.warm_boxes import LITTLE, READY_S, WarmBoxes, little_boxes

ROOT = Path(__file__).resolve().parents[3]
SLEEP = ["-c", "import time; print('up', flush=True); time.sleep(60)"]


@pytest.fixture
def boxes() -> Iterator[WarmBoxes]:
    made = little_boxes()
    yield made
    made.close()


def until(true: Callable[[], object], within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.01)


def templates(boxes: WarmBoxes) -> list[object]:
    return list(boxes.keeper._templates.values())


def try_start(boxes: WarmBoxes, **values: object) -> object:
    """As `start`, without waiting: the monitor, or None for a cold start. The box is ended."""
    from sandbox.leases import Place
    from sandbox.streams import Streams

    streams = Streams()
    try:
        spec = boxes.spec(**values)
        monitor = boxes.keeper.start(spec, [boxes.python, "-c", "1"], streams.theirs, Place(None, [0]))
        if monitor is not None:
            monitor.kill()
        return monitor
    finally:
        streams.close_theirs()
        streams.close_ours()


def test_the_first_box_is_cold_and_a_later_one_warm(boxes):
    assert try_start(boxes) is None
    until(lambda: templates(boxes))
    assert try_start(boxes) is not None


def test_a_wish_for_nothing_starts_no_template(boxes):
    assert try_start(boxes, warm="none") is None
    assert boxes.keeper.status()["starting"] == 0


AUDIT = "import sys\nfrom sandbox.warm.inside import template\n{before}\nprint(template.audit())"


@pytest.mark.parametrize(
    ("before", "problem"),
    [
        ("", "[]"),
        (
            "import threading, time; threading.Thread(target=time.sleep, args=(9,), daemon=True).start()",
            "2 threads run",
        ),
        ("import mmap; shared = mmap.mmap(-1, 4096)", "shared and writable"),
        ("file = open('/work/x', 'w')", "descriptor 4 is open: /work/x"),
        ("import subprocess; child = subprocess.Popen(['/bin/sleep', '9'])", "1 other processes"),
    ],
    ids=["control", "thread", "shared_memory", "descriptor", "child"],
)
def test_a_template_looks_itself_over(boxes, before, problem):
    inside = Mount(source=ROOT / "sandbox" / "warm" / "inside", target="/opt/x/sandbox/warm/inside")
    values = {"mounts": (*boxes.mounts, inside), "env": {"PYTHONPATH": "/opt/x"}}
    said = boxes.cold(["-c", AUDIT.format(before=before)], **values)
    assert problem in said.out, said


def test_a_stack_that_cannot_be_imported_is_named_and_everything_is_cold():
    boxes = WarmBoxes(Path(sys.executable).parent.parent, "science", {"science": ("no_such_package",)})
    try:
        assert not boxes.keeper.wait_ready(boxes.spec(), [boxes.python, "-c", "1"], READY_S)
        check = boxes.keeper.check()
        assert "No module named 'no_such_package'" in check.how
        assert check.ok, "slower, not less safe"
        assert try_start(boxes) is None
        assert boxes.keeper.status()["starting"] == 0, "it is not tried again at once"
    finally:
        boxes.close()


def without_namespaces(launcher: Launcher) -> Host:
    """Its templates may make no user namespace: bubblewrap sets the kernel's own limit to one inside."""

    def launch(spec, argv, fds):
        place = Place(None, os.sched_getaffinity(0))
        wide = compile_filter(memfd=True, nests=True)
        return launcher.launch(Launch(spec=spec, argv=argv, fds=fds, place=place, seccomp=wide, nests=False))

    return replace(template_host(launcher), launch=launch)


def test_where_the_kernel_forbids_namespaces_everything_is_cold(boxes):
    boxes.keeper.close()
    boxes.keeper = WarmKeeper(without_namespaces(Launcher(boxes.backend._machine)), LITTLE)
    assert not boxes.keeper.wait_ready(boxes.spec(), [boxes.python, "-c", "1"], READY_S)
    assert "No space left on device" in boxes.keeper.check().how, "the kernel's word for the limit on namespaces"
    assert try_start(boxes) is None
    assert boxes.cold(["-c", "print(1)"]).out == "1\n"


def test_without_cgroups_everything_is_cold_and_said_so():
    backend = BubblewrapBackend.open("proc")
    try:
        spec = BoxSpec(mounts=(), warm="torch")
        assert not backend.wait_ready(spec, [sys.executable, "-c", "1"], 1.0)
        check = next(check for check in backend.check() if check.name == "warm_boxes")
        assert "without a cgroup" in check.how
    finally:
        backend._warm.close()


def test_an_operator_can_switch_it_off(boxes, monkeypatch):
    monkeypatch.setenv("RANKZERO_WARM", "off")
    assert not boxes.keeper.wait_ready(boxes.spec(), [boxes.python, "-c", "1"], 1.0)
    assert "RANKZERO_WARM=off" in boxes.keeper.check().how


def test_an_old_template_is_replaced_and_its_last_box_runs_on(boxes, monkeypatch):
    monkeypatch.setattr(keeper_module, "MOST_COPIES", 3)
    running = boxes.start(SLEEP)
    try:
        (first,) = templates(boxes)
        for _ in range(4):
            boxes.warm(["-c", "pass"])
        until(lambda: templates(boxes) and templates(boxes) != [first])
        assert running.stdout.read(3) == b"up\n"
        assert not first._closed, "its box still runs"
    finally:
        running.close()
    until(lambda: first._closed)


def test_a_template_is_dropped_when_it_is_idle(boxes, monkeypatch):
    boxes.warm(["-c", "pass"])
    (template,) = templates(boxes)
    monkeypatch.setattr(keeper_module, "IDLE_S", 0.0)
    boxes.keeper._drop_idle()
    assert templates(boxes) == []
    until(lambda: template._closed)


def test_only_a_few_templates_are_kept(boxes, monkeypatch):
    monkeypatch.setattr(keeper_module, "MOST_TEMPLATES", 2)
    for number in range(3):
        boxes.warm(["-c", "pass"], env={"NUMBER": str(number)})
    assert len(templates(boxes)) == 2


def test_a_mount_that_is_not_there_costs_no_template(boxes, tmp_path):
    boxes.warm(["-c", "pass"])
    before = templates(boxes)
    mounts = (*boxes.mounts, Mount(source=tmp_path / "gone", target="/gone"))
    assert try_start(boxes, mounts=mounts) is None, "the cold start says what is wrong"
    assert templates(boxes) == before
    assert boxes.warm(["-c", "print(1)"]).out == "1\n"


def test_a_killed_template_takes_its_boxes_along_and_is_replaced(boxes):
    running = boxes.start(SLEEP)
    try:
        (template,) = templates(boxes)
        for pid in template._monitor._account.members():
            os.kill(pid, signal.SIGKILL)
        assert running.wait().status in {"box_error", "signalled"}
    finally:
        running.close()
    until(lambda: not template.alive())
    assert try_start(boxes) is None, "this one starts cold"
    assert boxes.warm(["-c", "print(1)"]).out == "1\n", "and a new template serves the next"


OWNER = """
import sys, time
from tests.warm_boxes import little_boxes
boxes = little_boxes()
process = boxes.start(["-c", "import time; print('up', flush=True); time.sleep(60)"])
process.stdout.read(3)
from sandbox.proctree import descendants
import os
print(*descendants(os.getpid())[1:], flush=True)
time.sleep(60)
"""


def test_everything_ends_with_its_owner_even_killed():
    owner = subprocess.Popen([sys.executable, "-c", OWNER], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    pids = [int(word) for word in owner.stdout.readline().split()]
    assert len(pids) > 4, "spawner, template, box"
    assert all(start_ticks(pid) is not None for pid in pids)
    owner.kill()
    owner.communicate()
    until(lambda: all(start_ticks(pid) is None for pid in pids))


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core cannot be leased and shared")
def test_no_copy_is_made_ahead_while_a_core_is_leased(boxes):
    boxes.warm(["-c", "pass"])
    (template,) = templates(boxes)
    assert template.wait_full(READY_S)
    with machine_book().lease(cores=1):
        for _ in range(DEPTH):
            template.take().discard()
        time.sleep(0.3)
        assert template._waiting._ready == []
        late = template.take()  # whoever wants a box now gets one all the same
        assert late.alive()
        late.discard()
    assert template.wait_full(READY_S)


def test_a_box_is_charged_for_what_it_touches_alone(boxes):
    small = boxes.warm(["-c", "pass"]).outcome.usage.peak_memory_bytes
    large = boxes.warm(["-c", "x = b'x' * (64 << 20)"]).outcome.usage.peak_memory_bytes
    assert small < 24 << 20
    assert 60 << 20 < large < small + (80 << 20)


def test_a_memory_bomb_ends_as_one_and_the_template_lives(boxes):
    said = boxes.warm(["-c", "kept = []\nwhile True: kept.append(bytearray(1 << 20))"], memory_bytes=64 << 20)
    assert said.outcome.status == "memory_limit", said
    assert said.outcome.usage.peak_memory_bytes <= 66 << 20
    assert boxes.warm(["-c", "print('next')"]).out == "next\n"


def test_a_box_that_cannot_be_set_up_says_why(boxes):
    """A file below a read-only mount."""
    values = {"files": {f"{boxes.mounts[0].target}/x.txt": b"x"}}
    said = boxes.warm(["-c", "pass"], **values)
    assert said.outcome.status == "box_error"
    assert "Read-only file system" in said.outcome.detail


def test_a_template_that_is_compromised_cannot_write_to_what_a_box_is_shown(boxes, tmp_path):
    """The mount that passes through it is locked: even with every capability in a namespace of its own."""
    from sandbox.warm.trees import Trees

    trees = Trees()
    try:
        (tree,) = trees.take([tmp_path])
        code = (
            "import ctypes, os, struct, sys\nlibc = ctypes.CDLL(None, use_errno=True)\n"
            "assert libc.unshare(0x10000000 | 0x20000) == 0\n"
            "assert libc.mount(None, b'/', None, 0x44000, None) == 0\n"
            f"assert libc.syscall(429, {tree}, b'', -100, b'/mnt', 4) == 0\n"
            "def clear(bits): return libc.syscall(442, -100, b'/mnt', 0, struct.pack('QQQQ', 0, bits, 0, 0), 32)\n"
            "print(clear(8), clear(1), os.strerror(ctypes.get_errno()))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], pass_fds=[tree], capture_output=True, text=True, check=False
        )
        assert done.stdout == "0 -1 Operation not permitted\n", done.stderr
        os.close(tree)
    finally:
        trees.close()


def test_the_nesting_filter_is_no_learners(boxes):
    """What the template may, a box may not: the box's own filter comes on top."""
    code = (
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "print(libc.unshare(0x10000000), libc.mount(b'x', b'/tmp', b'tmpfs', 0, None),"
        " libc.syscall(250, 1, None, 0, 0, 0),"
        " libc.syscall(56, 0x10000000 | 17, 0, 0, 0, 0), libc.sethostname(b'x', 1))"
    )
    assert boxes.warm(["-c", code]).out == "-1 -1 -1 -1 -1\n"
