"""The GPU tier as far as it can be shown without a GPU: the driver's answers are recorded, boxes and time are real or
made by hand. tests/unit/grader/test_gpu_real.py runs where there is a GPU."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

import grader
from grader.boxes import GuestBox, box_spec
from grader.candidate import Candidate
from grader.errors import InfraError, OutOfMemory
from grader.gpu.nvml import Nvml
from grader.gpu.own import OnGpu, own_gpu
from grader.gpu.watch import VramExceeded, VramWatch
from grader.outcomes import error_of
from lessons.schema import LimitOverrides, Limits
from sandbox import MIB, BoxSpec, Outcome, open_backend
from sandbox import Usage as BoxUsage
from tests.fixtures.exercises import fixture_exercise
from tests.fixtures.gpu import ME, Clock, Memory, WithoutDevices, context_on, device

# What the driver says ------------------------------------------------------------------------------------------------


class DriverError(Exception):
    pass


def driver(compute=(), graphics=(), used=0, fails=False):
    """pynvml's answers, as 13.615 gives them: objects with pid and usedGpuMemory, None where it is not told."""

    def listing(pairs):
        def answer(handle):
            assert handle == "handle 0"
            if fails:
                raise DriverError("Insufficient Permissions")
            return [SimpleNamespace(pid=pid, usedGpuMemory=size) for pid, size in pairs]

        return answer

    def memory(handle, version=None):
        assert version == "v2"
        return SimpleNamespace(version=2, total=80 << 30, reserved=1 << 29, free=0, used=used)

    return SimpleNamespace(
        NVMLError=DriverError,
        nvmlMemory_v2="v2",
        nvmlDeviceGetComputeRunningProcesses=listing(compute),
        nvmlDeviceGetGraphicsRunningProcesses=listing(graphics),
        nvmlDeviceGetMemoryInfo=memory,
    )


def test_it_reads_who_uses_the_device_and_counts_nobody_twice():
    library = driver(compute=[(10, 5 * MIB), (11, 7 * MIB)], graphics=[(11, 7 * MIB), (12, MIB)], used=99)
    memory = Nvml(library, "handle 0")
    assert memory.by_process() == {10: 5 * MIB, 11: 7 * MIB, 12: MIB}
    assert memory.used_bytes() == 99


@pytest.mark.parametrize(
    ("library", "words"),
    [
        (driver(compute=[(10, None)]), "does not tell the GPU memory of process 10"),
        (driver(fails=True), "Insufficient Permissions"),
    ],
)
def test_it_guesses_nothing_that_the_driver_does_not_tell(library, words):
    with pytest.raises(InfraError, match=words):
        Nvml(library, "handle 0").by_process()


def test_it_says_what_to_install_where_the_library_is_missing(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pynvml", None)
    with pytest.raises(InfraError, match=r"lab-cuda\.txt"):
        Nvml.open(0)


# The memory of a box -------------------------------------------------------------------------------------------------


class Box:
    """One that is ended by `kill` alone."""

    def __init__(self, pids=(7, 8)):
        self._pids = list(pids)
        self.ended = threading.Event()

    def pids(self):
        return self._pids

    def kill(self):
        self.ended.set()


def outcome(status="killed", **changes):
    usage = BoxUsage(wall_s=1, cpu_s=1, peak_memory_bytes=1, source="proc")
    return Outcome(**{"status": status, "exit_code": None, "signal": None, "usage": usage, "detail": "d", **changes})


def test_a_box_over_its_share_is_ended_and_the_words_name_the_gpu():
    box, memory = Box(), Memory({7: 40 * MIB, 8: 30 * MIB, 9: 500 * MIB})
    watch = VramWatch(box, memory, 64)
    watch.start()
    assert box.ended.wait(5)
    watch.stop()
    assert watch.peak_bytes == 70 * MIB
    ended = watch.judge(outcome())
    assert isinstance(ended, VramExceeded)
    error = error_of(ended, Limits(), "answering solve()")
    assert isinstance(error, OutOfMemory)
    assert error.message == "The program needed more than 64 MB of GPU memory while answering solve()."


@pytest.mark.parametrize("limit", [71, None])
def test_a_box_within_its_share_lives_and_its_peak_is_kept(limit):
    """The control: another process on the device is nothing of this box."""
    box, memory = Box(), Memory({7: 40 * MIB, 8: 30 * MIB, 9: 500 * MIB})
    watch = VramWatch(box, memory, limit)
    watch.look()
    memory.users = {7: MIB}
    watch.look()
    assert (box.ended.is_set(), watch.peak_bytes) == (False, 70 * MIB)
    assert watch.judge(outcome("exited", exit_code=0)) == outcome("exited", exit_code=0)


def test_a_box_that_nobody_can_watch_ends_by_our_fault():
    box = Box()
    watch = VramWatch(box, Memory(InfraError("the driver is gone")), 64)
    watch.start()
    assert box.ended.wait(5)
    watch.stop()
    with pytest.raises(InfraError, match="the driver is gone"):
        error_of(watch.judge(outcome()), Limits(), "loading main.py")


@pytest.mark.box
@pytest.mark.lab
def test_a_real_boxs_processes_are_told_from_others_on_the_device():
    """Every process of the machine holds 1 GiB: the box is ended for its own."""
    everyone = Memory(lambda: {int(path.name): 1024 * MIB for path in Path("/proc").glob("[0-9]*")})
    backend = WithoutDevices(open_backend())
    candidate = Candidate(context_on(backend, everyone, 512))
    try:
        with pytest.raises(OutOfMemory, match="512 MB of GPU memory"):
            candidate.call("wait", 5)
    finally:
        candidate.close()
    assert (backend.seen[0].gpus, backend.seen[0].warm) == ((3,), "none")


@pytest.mark.box
@pytest.mark.lab
def test_a_real_box_that_uses_nothing_is_left_alone_and_its_peak_is_read():
    mine: dict[int, int] = {ME: 8000 * MIB}
    candidate = Candidate(context_on(WithoutDevices(open_backend()), Memory(lambda: mine), 512))
    try:
        assert candidate.call("add", 1, 2) == 3
        time.sleep(0.2)
        assert candidate.call("add", 2, 2) == 4
        assert candidate.usage.peak_vram_bytes == 0
        mine.update(dict.fromkeys(candidate._session._guest._box.pids(), 9 * MIB))
        deadline = time.monotonic() + 20
        while candidate.usage.peak_vram_bytes < 9 * MIB:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        candidate.close()


@pytest.mark.box
def test_a_box_names_its_processes_while_it_runs_and_none_after():
    box = open_backend().prepare(BoxSpec(wall_s=60))
    assert box.pids() == []
    process = box.start(["/bin/sleep", "50"])
    deadline = time.monotonic() + 20
    while not any(_name(pid) == "sleep" for pid in box.pids()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert ME not in box.pids()
    process.close()
    assert box.pids() == []


def _name(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


@pytest.mark.box
@pytest.mark.lab
def test_without_a_gpu_nothing_is_watched():
    limits = Limits(wall_s=10)
    guest = GuestBox.start(open_backend(), box_spec(limits, {"main.py": b""}, {}), "call", lambda event: None)
    assert guest.usage.peak_vram_bytes == 0
    guest.close()


# A GPU of one's own --------------------------------------------------------------------------------------------------


class Leases:
    """Gives the GPUs that it has."""

    name = "bubblewrap"

    def __init__(self, *gpus, busy=False):
        self._gpus = gpus
        self._busy = busy
        self.held: list[int] = []
        self.waits: list[float | None] = []

    def lease(self, *, cores=0, gpus=0, wait_s=None):
        self.waits.append(wait_s)
        if gpus > len(self._gpus):
            raise ValueError("a lease of 1 GPUs can never be had: nvidia-smi lists none on this machine")
        if self._busy:
            raise TimeoutError(f"no 1 GPU came free within {wait_s:g} s")
        return self._lease(gpus)

    @contextlib.contextmanager
    def _lease(self, gpus):
        self.held += self._gpus[:gpus]
        yield SimpleNamespace(gpus=self._gpus[:gpus], cores=())
        self.held.clear()


def own(backend, memory, limit_mb=64):
    return own_gpu(backend, limit_mb, lambda event: None, lambda gpu: memory, lambda gpu: device(Clock()))


def test_a_run_has_its_gpu_alone_and_gives_it_back():
    leases = Leases(5)
    with own(leases, Memory()) as (backend, _):
        assert leases.held == [5]
        assert isinstance(backend, OnGpu)
    assert leases.held == []


def test_a_machine_without_one_cannot_lease_one():
    with pytest.raises(InfraError, match="nvidia-smi lists none"), own(Leases(), Memory()):
        raise AssertionError("it was leased")


def test_the_learner_is_told_of_a_wait_and_it_has_an_end():
    leases, told = Leases(0, busy=True), []
    with pytest.raises(InfraError, match="no 1 GPU came free"), own_gpu(leases, None, told.append):
        raise AssertionError("it was leased")
    assert [event.text for event in told] == ["Waiting for a free GPU"]
    assert leases.waits == [0.3, 900]


def test_it_does_not_measure_beside_a_stranger():
    with pytest.raises(InfraError, match=r"processes \[4711\] use it"), own(Leases(0), Memory({4711: 1})):
        raise AssertionError("it was leased")


def test_it_does_not_trust_a_driver_that_does_not_list_us():
    """In a container without the host's process ids no box would be listed, and no limit would hold."""
    with pytest.raises(InfraError, match="does not list this process"), own(Leases(0), Memory({})):
        raise AssertionError("it was leased")


@pytest.mark.parametrize("left", ["memory", "process"])
def test_what_a_run_leaves_on_the_device_is_not_left_to_the_next_one(left, monkeypatch):
    monkeypatch.setattr("grader.gpu.own._EMPTY_S", 0.2)
    memory = Memory(used=MIB)
    with pytest.raises(InfraError, match="still holds"), own(Leases(0), memory):  # noqa: PT012
        if left == "memory":
            memory.used = 900 * MIB
        else:
            memory.users = {ME: MIB, 99: MIB}


def test_a_context_that_goes_a_moment_later_is_waited_for():
    memory = Memory(used=MIB)
    with own(Leases(0), memory):
        memory.used = 900 * MIB
        threading.Timer(0.3, lambda: setattr(memory, "used", 2 * MIB)).start()


def test_the_runs_own_error_is_not_hidden_by_what_it_left():
    memory = Memory(used=MIB)
    with pytest.raises(ZeroDivisionError), own(Leases(0), memory):  # noqa: PT012
        memory.used = 900 * MIB
        raise ZeroDivisionError


# Grading -------------------------------------------------------------------------------------------------------------


def gpu_exercise():
    exercise = fixture_exercise("arithmetic")
    tiers = {**exercise.manifest.tiers, "gpu": exercise.manifest.tiers["cpu"]}
    return dataclasses.replace(exercise, manifest=exercise.manifest.model_copy(update={"tiers": tiers}))


def test_grading_says_that_this_worker_has_no_gpu(monkeypatch):
    monkeypatch.setattr("grader.grading.has_gpu", lambda: False)
    with pytest.raises(grader.SubmissionError, match="this worker has no GPU"):
        grader.grade(gpu_exercise(), {"main.py": b""}, tier="gpu")


@pytest.mark.box
@pytest.mark.lab
def test_a_gpu_that_was_promised_and_is_not_there_is_our_fault(monkeypatch, caplog):
    """The whole way to the judge's process, on a machine whose nvidia-smi lists none."""
    from grader.gpu.own import has_gpu

    if has_gpu():
        pytest.skip("this machine has one")
    monkeypatch.setattr("grader.grading.has_gpu", lambda: True)
    report = grader.grade(gpu_exercise(), {"main.py": b""}, tier="gpu")
    assert report.verdict == "infra_error"
    assert "needs a GPU for itself" in caplog.text


def test_a_tier_sets_its_own_share_of_the_device():
    limits = Limits(vram_mb=1024)
    override = LimitOverrides(vram_mb=512).model_dump(exclude_none=True)
    assert (limits.vram_mb, limits.model_copy(update=override).vram_mb, Limits().vram_mb) == (1024, 512, None)
