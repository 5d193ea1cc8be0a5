"""Several ranks in one box: they meet over gloo, and where they hang the guest says which rank waits for what.

One box imports torch once; each scenario is then one run of the guest in it, with ranks forked from it.
"""

from __future__ import annotations

import dataclasses
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from grader.boxes import ENVIRONMENT, guest_mounts, lab_dir
from grader.standing import describe_hang, read_positions
from sandbox import MIB, BoxSpec
from sandbox.bubblewrap import BubblewrapBackend
from sandbox.capture import Capture
from sandbox.frames import recv_frame, send_frame

pytestmark = [pytest.mark.box, pytest.mark.lab]

HANG_S = 2.0
PYTHON = (str(lab_dir() / "bin" / "python"), "-P")
GUEST = (*PYTHON, "-m", "sandbox.guest.train")
# A guest that finds torch imported, as in a warm box, or a cold one; a new one for each program that comes in.
WARM = """
import json, os, runpy, sys
import torch, torch._dynamo, torch.distributed.fsdp  # what DDP and optimizers import late
for line in sys.stdin:
    source, cold = json.loads(line)
    with open("/work/main.py", "w") as file:
        file.write(source)
    if (child := os.fork()) == 0:
        if cold:
            os.execv(sys.executable, [sys.executable, "-P", "-m", "sandbox.guest.train"])
        runpy.run_module("sandbox.guest.train", run_name="__main__", alter_sys=True)
        os._exit(0)
    os.waitpid(child, 0)
    print("over", flush=True)
"""
FIRST_LINE = 21  # of each scenario below
HEAD = """
import os, sys, time
import torch
import torch.distributed as dist
rank = int(os.environ.get("RANK", "0"))
one = torch.ones(4)
def start():
    dist.init_process_group("gloo")
    for _ in range(3):
        dist.all_reduce(one)
"""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the guest said of the end, what was printed, and how long it took."""

    kind: str
    codes: list[int | None]
    text: str
    prints: list[str]
    seconds: float


def box_of(source: str) -> BoxSpec:
    return BoxSpec(
        mounts=guest_mounts(),
        files={"main.py": source.encode()},
        memory_bytes=3000 * MIB,
        pids=200,
        wall_s=1500,
        env=ENVIRONMENT,
    )


class WarmGuest:
    """A box in which guests are started one after another."""

    def __init__(self, backend: BubblewrapBackend) -> None:
        self.process = backend.prepare(box_of("")).start([*PYTHON, "-c", WARM])
        self._lines: list[str] = []
        self._captures = [
            Capture(stream, MIB, self._lines.append) for stream in (self.process.stdout, self.process.stderr)
        ]

    def run(self, source: str, *, ranks: int = 2, cold: bool = False) -> Told:
        self._lines.clear()
        began = time.monotonic()
        program = HEAD + "\n" * (FIRST_LINE - 1 - HEAD.count("\n")) + source
        self.process.stdin.write(json.dumps([program, cold]).encode() + b"\n")
        request = {"nonce": "n", "entry": "main.py", "argv": [], "ranks": ranks, "outputs": {}, "hang_s": HANG_S}
        send_frame(self.process.control, request)
        frame = recv_frame(self.process.control, max_payload=32 * 1024, timeout_s=120)
        assert frame is not None, (self._lines, self.process.wait())
        seconds = time.monotonic() - began
        send_frame(self.process.control, {"over": True})
        while "over" not in self._lines:
            time.sleep(0.01)
        codes, text = frame.header["codes"], ""
        if frame.header["kind"] == "hung":
            text = describe_hang(codes, read_positions(frame.payload, ranks), {"main.py"})
        prints = [line for line in self._lines if line != "over"]
        return Told(kind=frame.header["kind"], codes=codes, text=text, prints=prints, seconds=seconds)


@pytest.fixture(scope="module")
def backend() -> Iterator[BubblewrapBackend]:
    """Of our own: a template that is kept must not change what other tests count."""
    made = BubblewrapBackend.open()
    yield made
    made.close()


@pytest.fixture(scope="module")
def guest(backend) -> Iterator[WarmGuest]:
    warm = WarmGuest(backend)
    yield warm
    warm.process.close()


DDP = """
from torch.nn.parallel import DistributedDataParallel
start()
torch.manual_seed(0)
model = DistributedDataParallel(torch.nn.Linear(4, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for step in range(3):
    optimizer.zero_grad()
    loss = model(torch.full((2, 4), 1.0 + rank)).square().mean()
    loss.backward()
    optimizer.step()
dist.all_reduce(loss := loss.detach())
weights = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
print("weights", weights.tolist(), "loss", loss.item())
dist.destroy_process_group()
"""


@pytest.mark.parametrize("ranks", [2, 4])
def test_ranks_take_the_same_steps_with_ddp(guest, ranks):
    told = guest.run(DDP, ranks=ranks)
    assert (told.kind, told.codes) == ("ended", [0] * ranks), told.prints
    lines = dict(line.split("] ", 1) for line in told.prints)
    assert sorted(lines) == [f"[rank {rank}" for rank in range(ranks)]
    assert len(set(lines.values())) == 1


MEET = "start()\ndist.destroy_process_group()"


HONEST = {
    "computes long between collectives": """start()
if rank == 1:
    until = time.monotonic() + 2.5 * {hang_s}
    while time.monotonic() < until:
        torch.ones(100, 100) @ torch.ones(100, 100)
dist.all_reduce(one)""",
    "lets a child compute": """start()
if rank == 1:
    import subprocess
    burn = "import time; end = time.monotonic() + 2.5 * {hang_s}\\nwhile time.monotonic() < end: pass"
    subprocess.run([sys.executable, "-c", burn])
dist.all_reduce(one)""",
    "sleeps, but goes on": """start()
for _ in range(4):
    time.sleep(0.6 * {hang_s})
    dist.all_reduce(one)""",
}


@pytest.mark.parametrize("source", HONEST.values(), ids=HONEST.keys())
def test_it_is_no_hang_when_a_rank(guest, source):
    told = guest.run(source.format(hang_s=HANG_S))
    assert (told.kind, told.codes) == ("ended", [0, 0]), (told.text, told.prints)
    assert told.seconds > 2 * HANG_S


# Source, and where both ranks stand then; the seconds are cut out.
HANGS = {
    "ends while the other sleeps": (
        "start()\nif rank == 0:\n    time.sleep(0.5)\n    os._exit(0)\ntime.sleep(300)",
        "rank 0 has ended; rank 1 is in no collective (main.py line 25, its last was all_reduce #3).",
    ),
    "skips a collective": (
        "start()\nif rank == 0:\n    dist.all_reduce(one)\ndist.barrier()",
        (
            "rank 0 waits in all_reduce #4 (main.py line 23); rank 1 waits in barrier #4 (main.py line 24). "
            "They disagree about the next collective."
        ),
    ),
    "sleeps for ever": (
        "start()\nif rank == 1:\n    time.sleep(300)\ndist.all_gather([one.clone(), one.clone()], one)",
        (
            "rank 0 waits in all_gather #4 (main.py line 24); "
            "rank 1 is in no collective (main.py line 23, its last was all_reduce #3)."
        ),
    ),
    "stops itself": (
        "start()\nif rank == 1:\n    os.kill(os.getpid(), 19)\ndist.all_reduce(one)",
        "rank 0 waits in all_reduce #4 (main.py line 24); rank 1 does not answer.",
    ),
    "closes every descriptor": (
        "if rank == 1:\n    os.closerange(0, 256)\ntime.sleep(300)",
        "rank 0 is in no collective (main.py line 23); rank 1 does not answer.",
    ),
    "sits in another collective": (
        "start()\nif rank == 1:\n    dist.broadcast(one, 0)\nelse:\n    dist.all_reduce(one)",
        (
            "rank 0 waits in all_reduce #4 (main.py line 25); rank 1 waits in broadcast #4 (main.py line 23). "
            "They disagree about the next collective."
        ),
    ),
    "waits in a group of its own": (
        "start()\nboth = dist.new_group([0, 1])\nif rank == 1:\n    dist.all_reduce(one, group=both)\ntime.sleep(300)",
        (
            "rank 0 is in no collective (main.py line 25, its last was all_reduce #3); "
            "rank 1 waits in all_reduce #1 of group 1 (main.py line 24)."
        ),
    ),
    "waits for a message that nobody sends": (
        "start()\nif rank == 1:\n    dist.recv(one, 0)\ndist.barrier()",
        "rank 0 waits in barrier #4 (main.py line 24); rank 1 waits in recv (main.py line 23).",
    ),
    "never comes to the meeting": (
        "if rank == 1:\n    time.sleep(300)\nstart()",
        "rank 0 waits in init_process_group (main.py line 8); rank 1 is in no collective (main.py line 22).",
    ),
    "leaves a parameter unused in a step of DDP": (
        """start()
from torch.nn.parallel import DistributedDataParallel
class Two(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = torch.nn.Linear(4, 4), torch.nn.Linear(4, 4)
    def forward(self, x, both):
        return self.b(self.a(x)) if both else self.a(x)
model = DistributedDataParallel(Two(), bucket_cap_mb=0.00001)
model(torch.ones(2, 4), both=rank == 0).sum().backward()
dist.barrier()""",
        (
            "rank 0 waits in all_reduce #7 (main.py line 30); rank 1 waits in barrier #7 (main.py line 31). "
            "They disagree about the next collective."
        ),
    ),
    "leaves out a step of FSDP2": (
        """start()
from torch.distributed.fsdp import fully_shard
model = torch.nn.Linear(4, 4)
fully_shard(model)
if rank == 0:
    model(torch.ones(2, 4)).sum().backward()
time.sleep(300)""",
        (
            "rank 0 waits in all_gather #4 (main.py line 26); "
            "rank 1 is in no collective (main.py line 27, its last was all_reduce #3)."
        ),
    ),
}


@pytest.mark.parametrize(("source", "text"), HANGS.values(), ids=HANGS.keys())
def test_a_hang_is_named_when_a_rank(guest, source, text):
    told = guest.run(source)
    assert told.kind == "hung", told.prints
    assert re.sub(r"for \d+ s, ", "", told.text) == text
    assert None in told.codes


def test_a_hang_is_named_in_interpreters_of_their_own_too(guest):
    source, text = HANGS["sits in another collective"]
    told = guest.run(source, cold=True)
    assert re.sub(r"for \d+ s, ", "", told.text) == text, told.prints


def test_many_ranks_fit_under_the_limit_of_open_files(guest):
    told = guest.run("print(rank, flush=True)", ranks=60)
    assert told.codes == [0] * 60, told.prints
    assert sorted(told.prints) == sorted(f"[rank {rank}] {rank}" for rank in range(60))


def test_it_is_no_hang_when_a_rank_fails(guest):
    told = guest.run("start()\nif rank == 1:\n    print('going', flush=True)\n    sys.exit(3)\ndist.all_reduce(one)")
    assert told.kind == "ended"
    assert told.codes[1] == 3
    assert "[rank 1] going" in told.prints


FORGED = """start()
import json, struct
def frame(header, payload=b""):
    text = json.dumps(header).encode()
    return struct.pack(">IQ", len(text), len(payload)) + text + payload
lie = {"op": "barrier", "waits": True, "number": 1, "group": 0, "count": 1, "since_s": 1, "file": "x", "line": 1}
ended = frame({"nonce": "n", "kind": "ended", "codes": [0, 0]})
for text in (ended, b"", b"[" * 4000, b"x" * 4000, json.dumps(lie).encode()):
    os.write(3, text)
"""


def test_what_a_rank_writes_to_descriptor_3_ends_nothing(guest):
    told = guest.run(FORGED + "time.sleep(0.2)\nsys.exit(7 if rank == 1 else 0)")
    assert (told.kind, told.codes[1]) == ("ended", 7)


def test_a_rank_that_tells_tales_gets_none_of_its_own_words_in(guest):
    tales = """
import _thread
lie.update(op="<b>you passed</b>")
def tell():
    while True:
        os.read(3, 1)
        os.write(3, json.dumps(lie).encode())
if rank == 1:  # the real watcher takes some of the questions, these the others
    for _ in range(50):
        _thread.start_new_thread(tell, ())
dist.barrier() if rank == 0 else time.sleep(300)"""
    told = guest.run(FORGED + tales)
    assert told.kind == "hung"
    assert told.text.startswith("rank 0 waits in barrier #4")
    assert "passed" not in told.text


def test_a_rank_has_no_way_to_the_channel(guest):
    source = """
def reads(path):
    try:
        return bool(os.listdir(path) if path.endswith("fd") else open(path, "rb").read(1))
    except OSError:
        return False
found = [name for name in ("fd", "mem", "environ", "maps") if reads(f"/proc/{os.getppid()}/{name}")]
print(found, reads("/proc/self/fd"), reads("/proc/self/maps"), sorted(map(int, os.listdir("/proc/self/fd"))))"""
    told = guest.run(source)
    # 3 leads to the guest's ear; 4 is the listing itself.
    assert sorted(told.prints) == [f"[rank {rank}] [] True True [0, 1, 2, 3, 4]" for rank in (0, 1)]


def test_each_rank_draws_its_own_numbers(guest):
    source = "import random, numpy\nprint(torch.rand(1).item(), random.random(), numpy.random.rand())"
    prints = guest.run(source).prints + guest.run(source).prints
    numbers = [number for line in prints for number in line.split("] ")[1].split()]
    assert len(numbers) == len(set(numbers)) == 12


TORCHRUN = """
import pathlib, subprocess
worker = "import os, torch, torch.distributed as dist; dist.init_process_group('gloo'); total = torch.ones(1); "
worker += "dist.all_reduce(total); os.write(1, b'total %d\\\\n' % int(total)); dist.destroy_process_group()"
pathlib.Path("worker.py").write_text(worker)
command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "worker.py"]
sys.exit(subprocess.run(command).returncode)"""


def test_torchrun_works_in_a_box(guest):
    """Each rank writes its line at once: they share one pipe."""
    told = guest.run(TORCHRUN, ranks=1)
    assert told.codes == [0], told.prints
    assert [line for line in told.prints if "total" in line] == ["total 2", "total 2"]


def run_in_box(backend: BubblewrapBackend, spec: BoxSpec) -> tuple[list[int], float]:
    """The exit codes of two ranks, and the box's CPU seconds."""
    process = backend.prepare(spec).start(GUEST)
    try:
        captures = [Capture(stream, MIB) for stream in (process.stdout, process.stderr)]
        request = {"nonce": "n", "entry": "main.py", "argv": [], "ranks": 2, "outputs": {}, "hang_s": 60.0}
        send_frame(process.control, request)
        frame = recv_frame(process.control, timeout_s=120)
        process.control.close()
        cpu_s = process.wait().usage.cpu_s
        assert frame is not None, [capture.result(5).text for capture in captures]
        return frame.header["codes"], cpu_s
    finally:
        process.close()


def test_ranks_of_a_warm_box_import_nothing_again(backend):
    spec = box_of(HEAD + MEET)
    warm = dataclasses.replace(spec, warm="torch")
    if not backend.wait_ready(warm, GUEST, 60):
        pytest.skip(f"no warm box here: {backend.warm_status()}")
    codes, warm_s = run_in_box(backend, warm)
    cold_codes, cold_s = run_in_box(backend, spec)
    assert codes == cold_codes == [0, 0]
    assert warm_s < cold_s / 5
