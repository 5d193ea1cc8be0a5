"""Each limit against a program that goes for it, beside one that stays just within."""

from __future__ import annotations

import pytest

from sandbox import MIB

pytestmark = [pytest.mark.box, pytest.mark.usefixtures("nothing_left")]

HOLD = "x = b'1' * ({size} << 20); print(len(x) >> 20)"
FORKED_HOLD = """
import os, time
for _ in range({count}):
    if os.fork() == 0:
        x = b'1' * ({size} << 20)
        time.sleep(1)
        os._exit(0)
for _ in range({count}):
    os.wait()
print("all held")
"""
SHARED = """
import mmap, time
m = mmap.mmap(-1, {size} << 20)
m.write(b'1' * ({size} << 20))
time.sleep(0.5)
print("held")
"""
FILL = """
import time
for name in ({names}):
    with open(name, "wb") as f:
        for _ in range({size}):
            f.write(bytes(1 << 20))
time.sleep(0.3)
print("written")
"""


def test_one_process_may_use_what_it_is_given(run_limited):
    ended = run_limited(HOLD.format(size=60), memory_bytes=160 * MIB)
    assert ended.out == "60\n"
    assert ended.ok


def test_a_memory_bomb_is_ended(run_limited):
    ended = run_limited("x = []\nwhile True: x.append(b'1' * (4 << 20))", memory_bytes=128 * MIB)
    assert ended.status == "memory_limit"
    assert ended.outcome.usage.peak_memory_bytes > 100 * MIB
    assert "128 MiB" in ended.outcome.detail


def test_many_processes_share_one_limit(run_limited):
    assert run_limited(FORKED_HOLD.format(count=4, size=20), memory_bytes=256 * MIB).out == "all held\n"
    assert run_limited(FORKED_HOLD.format(count=8, size=30), memory_bytes=128 * MIB).status == "memory_limit"


def test_shared_memory_counts(run_limited):
    assert run_limited(SHARED.format(size=40), memory_bytes=160 * MIB).out == "held\n"
    assert run_limited(SHARED.format(size=150), memory_bytes=96 * MIB).status == "memory_limit"


def test_files_count_as_memory(run_limited):
    names = "'/tmp/a', '/work/a', '/dev/shm/a'"
    assert run_limited(FILL.format(names=names, size=10), memory_bytes=128 * MIB).out == "written\n"
    assert run_limited(FILL.format(names=names, size=40), memory_bytes=64 * MIB).status == "memory_limit"


def test_unmapped_memory_cannot_be_hidden(run_limited):
    """memfd: counted by a cgroup, not to be had without one."""
    hoard = "import os\nfor n in range(60):\n    os.write(os.memfd_create('x'), bytes(4 << 20))\nprint('hidden')"
    ended = run_limited(hoard, memory_bytes=96 * MIB)
    assert ended.status == "memory_limit" or "Function not implemented" in ended.err
    assert "hidden" not in ended.out


def test_empty_files_do_not_eat_the_host(run_limited):
    many = "n = 0\nwhile n < 400000:\n    open(f'/tmp/{n}', 'w').close(); n += 1\nprint('made', n)"
    assert "made 2000" in run_limited(many.replace("400000", "2000")).out
    assert run_limited(many, memory_bytes=64 * MIB, wall_s=30).status == "memory_limit"


@pytest.mark.parametrize("folder", ["/work", "/tmp", "/dev/shm"])
def test_a_disk_has_its_size(run_limited, folder):
    sizes = {"disk_bytes": 8 * MIB, "shm_bytes": 8 * MIB}
    assert run_limited(FILL.format(names=f"'{folder}/a',", size=7), **sizes).out == "written\n"
    ended = run_limited(FILL.format(names=f"'{folder}/a',", size=9), **sizes)
    assert "No space left on device" in ended.err
    assert not ended.ok


def test_a_fork_bomb_stays_small(run_limited):
    bomb = """
import os, time
made = 0
try:
    while True:
        if os.fork() == 0:
            time.sleep(60)
        made += 1
except OSError:
    print(made, flush=True)
    os._exit(0)
"""
    ended = run_limited(bomb, pids=20, wall_s=20)
    assert ended.out == "19\n"  # and itself
    assert ended.outcome.usage.wall_s < 10


def test_a_fork_bomb_that_never_gives_up_is_ended(run_limited):
    ended = run_limited("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", pids=32, wall_s=1)
    assert ended.status == "wall_limit"
    assert ended.outcome.usage.wall_s < 3


def test_threads_count_as_processes(run_limited):
    code = """
import threading, time
def many(n):
    for _ in range(n):
        threading.Thread(target=time.sleep, args=(0.2,)).start()
many({n}); print("started")
"""
    assert run_limited(code.format(n=10), pids=20).out == "started\n"
    assert "can't start new thread" in run_limited(code.format(n=30), pids=20).err


def test_an_endless_loop_ends_at_its_cpu_seconds(run_limited):
    ended = run_limited("while True: pass", cpu_s=0.6, wall_s=20)
    assert ended.status == "cpu_limit"
    assert 0.6 <= ended.outcome.usage.cpu_s < 1.5


def test_cpu_seconds_of_children_count(run_limited):
    code = "import os\nfor _ in range(3): os.fork()\nwhile True: pass"
    assert run_limited(code, cpu_s=1.0, wall_s=20).status == "cpu_limit"


def test_work_within_its_cpu_seconds_is_left_alone(run_limited):
    assert run_limited("print(sum(range(10**6)))", cpu_s=5).ok


def test_a_sleeper_ends_at_the_wall(run_limited):
    ended = run_limited("import time; time.sleep(60)", wall_s=0.8)
    assert ended.status == "wall_limit"
    assert 0.8 <= ended.outcome.usage.wall_s < 2.5


def test_a_sleeper_within_the_wall_is_left_alone(run_limited):
    assert run_limited("import time; time.sleep(0.3); print('awake')", wall_s=10).out == "awake\n"


def test_an_ignored_signal_does_not_help(run_limited):
    deaf = "import signal, time\nfor n in range(1, 32):\n    n in (9, 19) or signal.signal(n, signal.SIG_IGN)\n"
    code = f"{deaf}time.sleep(60)"
    assert run_limited(code, wall_s=0.8).status == "wall_limit"


def test_a_flood_of_output_neither_blocks_nor_ends_the_box(run_limited):
    code = "import os\nfor _ in range(1000):\n    os.write(1, b'x' * 65536)\nos.write(2, b'done')"
    ended = run_limited(code, wall_s=30)
    assert ended.err == "done"
    assert ended.ok
    assert "bytes of output left out here" in ended.out
    assert len(ended.out) < 70_000


def test_files_open_at_once_are_bounded(run_limited):
    code = "import os\nn = 0\ntry:\n    while True: os.dup(0); n += 1\nexcept OSError: print(n)"
    assert run_limited(code, open_files=64).out == "60\n"  # 0, 1, 2 and the control channel are the rest


def test_cores_are_those_given(run_limited):
    code = "import os; print(sorted(os.sched_getaffinity(0)))\nos.sched_setaffinity(0, range(64))"
    ended = run_limited(code, cpus=(0,))
    assert ended.out == "[0]\n"
    assert "PermissionError" in ended.err


def test_no_core_file_is_written(run_limited):
    code = "import resource; print(resource.getrlimit(resource.RLIMIT_CORE))"
    assert run_limited(code).out == "(0, 0)\n"


def test_how_it_ended_is_told(run_limited):
    assert run_limited("raise SystemExit(7)").outcome.exit_code == 7
    aborted = run_limited("import os; os.abort()").outcome
    assert (aborted.status, aborted.signal) == ("signalled", 6)
