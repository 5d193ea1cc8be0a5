"""An outcome names every limit that was met: those that ended the box, and those that only refused something."""

from __future__ import annotations

import io
import sys

import pytest

from sandbox import KIB, MIB, Backend, BoxSpec, Outcome
from sandbox.interpreter import running_interpreter_mounts
from sandbox.runner import run_program
from tests.attacks.program import WORLDS

pytestmark = [pytest.mark.box, pytest.mark.usefixtures("nothing_left")]

FORKS = """
import os, time
made = 0
try:
    for _ in range({count}):
        if os.fork() == 0:
            time.sleep(1); os._exit(0)
        made += 1
except OSError:
    pass
print(made)
"""
FILES = """
import time
for number in range({count}):
    open(f"{folder}/{{number}}", "w").close()
time.sleep(0.2)
print("made")
"""
FILL = """
import time
try:
    with open("{folder}/a", "wb", buffering=0) as file:
        for _ in range({mib}): file.write(bytes(1 << 20))
except OSError:
    pass
time.sleep(0.1)
"""

# The last two lines: long enough for a look, whether the descriptors are kept or not.
DESCRIPTORS = """
import os, time
held = []
try:
    while len(held) < {count}: held.append(os.dup(0))
except OSError:
    print("refused")
if {close}: os.closerange(min(held), max(held) + 1)
time.sleep(0.3)
"""


def run(backend: Backend, code: str, **limits) -> tuple[Outcome, str]:
    spec = BoxSpec(mounts=running_interpreter_mounts(), **limits)
    out = io.BytesIO()
    return run_program(backend, spec, [sys.executable, "-c", code], out, io.BytesIO()), out.getvalue().decode()


def test_an_honest_program_hits_nothing(any_backend):
    outcome, _ = run(any_backend, "print(sum(range(10**6)))")
    assert (outcome.status, outcome.hits) == ("exited", ())


def test_memory(any_backend):
    outcome, _ = run(any_backend, "x = b'1' * (300 << 20)\nimport time; time.sleep(2)", memory_bytes=96 * MIB)
    assert (outcome.status, outcome.hits) == ("memory_limit", ("memory",))


def test_wall_and_cpu(any_backend):
    assert run(any_backend, "import time; time.sleep(9)", wall_s=0.4)[0].hits == ("wall",)
    assert run(any_backend, "while True: pass", cpu_s=0.3)[0].hits == ("cpu",)


def test_pids_by_cgroup(backend):
    if backend.keeper.source == "proc":
        pytest.skip("NOT RUN: no cgroup here, and nothing else tells of refused processes")
    outcome, said = run(backend, FORKS.format(count=40), pids=10)
    assert said == "9\n"
    assert (outcome.status, outcome.hits) == ("exited", ("pids",))
    assert run(backend, FORKS.format(count=8), pids=10)[0].hits == ()


@pytest.mark.parametrize("folder", ["/work", "/tmp", "/dev/shm"])
def test_disk(any_backend, folder):
    sizes = {"disk_bytes": 8 * MIB, "shm_bytes": 8 * MIB}
    outcome, _ = run(any_backend, FILL.format(folder=folder, mib=9), **sizes)
    assert (outcome.status, outcome.hits) == ("exited", ("disk",))
    assert run(any_backend, FILL.format(folder=folder, mib=7), **sizes)[0].hits == ()


@pytest.mark.parametrize("folder", ["/work", "/tmp", "/dev/shm"])
def test_files_and_folders(any_backend, folder):
    outcome, said = run(any_backend, FILES.format(folder=folder, count=1200), inodes=1000)
    assert (outcome.status, outcome.hits, said) == ("inode_limit", ("inodes",), "")
    assert "1000 files" in outcome.detail
    outcome, said = run(any_backend, FILES.format(folder=folder, count=900), inodes=1000)
    assert (outcome.status, outcome.hits, said) == ("exited", (), "made\n")


def test_files_are_counted_in_the_three_places_together(any_backend):
    code = "".join(FILES.format(folder=folder, count=400) for folder in ("/work", "/tmp", "/dev/shm"))
    assert run(any_backend, code, inodes=1000)[0].status == "inode_limit"
    assert run(any_backend, code, inodes=1300)[0].status == "exited"


def test_output(any_backend):
    flood = "import os\nfor n in range(100): os.write(1, b'%03d' % n + b'x' * 1021)"
    outcome, said = run(any_backend, flood, output_bytes=8 * KIB)
    assert (outcome.status, outcome.hits) == ("exited", ("output",))
    assert said.startswith("000xxx")
    assert "bytes of output left out here" in said
    assert "099xxx" in said
    assert len(said) < 9 * KIB
    outcome, said = run(any_backend, flood, output_bytes=200 * KIB)
    assert (outcome.hits, len(said)) == ((), 100 * KIB)


def test_several_at_once(any_backend):
    code = FILL.format(folder="/tmp", mib=9) + "\ntime.sleep(9)"
    outcome, _ = run(any_backend, code, disk_bytes=8 * MIB, wall_s=2)
    assert (outcome.status, outcome.hits) == ("wall_limit", ("wall", "disk"))


@pytest.mark.parametrize("world", WORLDS, indirect=True)
@pytest.mark.parametrize(
    ("limit", "close"), [(257, False), (257, True), (100, False)], ids=["held", "closed", "held, counted"]
)
def test_open_files(world, limit, close):
    said = world.code(DESCRIPTORS.format(count=9999, close=close), open_files=limit)
    assert (said.outcome.status, said.out, said.outcome.hits) == ("exited", "refused\n", ("open_files",))
    said = world.code(DESCRIPTORS.format(count=limit - 10, close=close), open_files=limit)
    assert (said.outcome.status, said.out, said.outcome.hits) == ("exited", "", ())


@pytest.mark.parametrize("world", WORLDS, indirect=True)
def test_open_files_of_a_child(world):
    in_a_child = "import os\nif os.fork(): os.wait(); os._exit(0)\n{}"
    assert world.code(in_a_child.format(DESCRIPTORS.format(count=9999, close=True))).outcome.hits == ("open_files",)
    assert world.code(in_a_child.format(DESCRIPTORS.format(count=200, close=True))).outcome.hits == ()


@pytest.mark.parametrize("world", WORLDS, indirect=True)
@pytest.mark.parametrize(("count", "hits"), [(9999, ("open_files",)), (200, ())], ids=["attack", "control"])
def test_open_files_of_a_box_that_is_ended_at_once(world, count, hits):
    code = DESCRIPTORS.format(count=count, close=False).replace("time.sleep(0.3)", "print('now', flush=True); input()")
    spec = world.spec()
    world.wait_ready(spec, [world.python, "-c", code])
    box = world.backend.prepare(spec)
    process = box.start([world.python, "-c", code])
    while process.stdout.readline() != b"now\n":
        pass
    box.kill()
    assert (process.wait().status, process.wait().hits) == ("killed", hits)
    process.close()


@pytest.mark.parametrize("world", WORLDS, indirect=True)
def test_what_the_box_needed_to_begin_is_no_hit(world):
    """Its input files were descriptors of ours."""
    files = {f"{number}.txt": b"x" for number in range(250)}
    said = world.code("import glob, time; print(len(glob.glob('*.txt'))); time.sleep(0.2)", files=files)
    assert (said.out, said.outcome.hits) == ("250\n", ())
