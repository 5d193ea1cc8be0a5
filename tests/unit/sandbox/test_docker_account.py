"""The books of a container, on cgroup files made here: both kinds, from any kernel."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox import MIB, BoxStartError
from sandbox.docker.account import DockerAccount, find_group
from sandbox.docker.runtime import chosen_runtime

ID = "c" * 64


@pytest.fixture(params=["cgroup2", "cgroup1"])
def books(request, tmp_path):
    return V2Files(tmp_path) if request.param == "cgroup2" else V1Files(tmp_path)


class V2Files:
    source = "cgroup2"

    def __init__(self, root: Path) -> None:
        self.folder = root / "system.slice" / f"docker-{ID}.scope"
        self.folder.mkdir(parents=True)
        self.mountinfo = f"30 20 0:26 / {root} rw - cgroup2 cgroup2 rw\n"
        self.paths = f"0::/system.slice/docker-{ID}.scope\n"

    def use(self, *, cpu_s: float, memory: int, peak: int, ooms: int = 0, refused: int = 0) -> None:
        files = {
            "cpu.stat": f"usage_usec {int(cpu_s * 1e6)}\n",
            "memory.stat": "file 0\nshmem 0\n",
            "memory.current": str(memory),
            "memory.peak": str(peak),
            "memory.events": f"oom_kill {ooms}\n",
            "pids.events": f"max {refused}\n",
            "cgroup.procs": "11\n12\n",
        }
        for name, text in files.items():
            (self.folder / name).write_text(text)

    def take_away(self) -> None:
        for file in self.folder.iterdir():
            file.unlink()


class V1Files(V2Files):
    source = "cgroup1"

    def __init__(self, root: Path) -> None:
        names = ("memory", "pids", "cpuacct")
        self.folders = [root / name / "docker" / ID for name in names]
        for folder in self.folders:
            folder.mkdir(parents=True)
        self.mountinfo = "".join(f"31 20 0:31 / {root}/{name} rw - cgroup cgroup rw,{name}\n" for name in names)
        self.paths = "".join(f"1:{name}:/docker/{ID}\n" for name in names) + "0::/\n"

    def use(self, *, cpu_s: float, memory: int, peak: int, ooms: int = 0, refused: int = 0) -> None:
        first, second, third = self.folders
        (first / "memory.stat").write_text(f"rss {memory}\ncache 0\nshmem 0\n")
        (first / "memory.max_usage_in_bytes").write_text(str(peak))
        (first / "memory.oom_control").write_text(f"oom_kill {ooms}\n")
        (second / "pids.events").write_text(f"max {refused}\n")
        (third / "cpuacct.usage").write_text(str(int(cpu_s * 1e9)))
        for folder in self.folders:
            (folder / "cgroup.procs").write_text("11\n12\n")

    def take_away(self) -> None:
        for folder in self.folders:
            for file in folder.iterdir():
                file.unlink()


class FakeRemote:
    def __init__(self) -> None:
        self.killed = 0

    def kill(self) -> None:
        self.killed += 1


def opened(books: V2Files, remote: FakeRemote | None = None) -> DockerAccount:
    return DockerAccount(*find_group(books.mountinfo, books.paths), remote or FakeRemote())  # type: ignore[arg-type]


def test_it_reads_the_containers_own_group(books):
    books.use(cpu_s=0, memory=0, peak=0)
    account = opened(books)
    assert account.source == books.source
    assert account.members() == [11, 12]


def test_what_was_used_before_the_program_is_not_its_own(books):
    books.use(cpu_s=2.0, memory=6 * MIB, peak=40 * MIB, refused=3)
    account = opened(books)
    books.use(cpu_s=2.5, memory=16 * MIB, peak=40 * MIB, refused=3)
    reading = account.read()
    assert reading.cpu_s == pytest.approx(0.5)
    assert reading.peak_memory_bytes == 10 * MIB  # the runtime's 40 MiB were there before
    assert not reading.pids_refused


def test_a_new_peak_is_the_programs(books):
    books.use(cpu_s=0, memory=6 * MIB, peak=40 * MIB)
    account = opened(books)
    books.use(cpu_s=1, memory=8 * MIB, peak=90 * MIB, refused=1)
    assert account.read().peak_memory_bytes == 84 * MIB
    assert account.read().pids_refused


def test_an_imported_stack_counts_as_memory_and_not_as_time(books):
    books.use(cpu_s=0, memory=6 * MIB, peak=6 * MIB)
    account = opened(books)
    books.use(cpu_s=3, memory=200 * MIB, peak=210 * MIB)
    account.begin()
    books.use(cpu_s=3.1, memory=205 * MIB, peak=210 * MIB)
    assert account.read().cpu_s == pytest.approx(0.1)
    assert account.read().peak_memory_bytes == 205 * MIB - chosen_runtime().memory_bytes


def test_the_last_figures_outlive_the_group(books):
    books.use(cpu_s=0, memory=0, peak=0)
    account = opened(books)
    books.use(cpu_s=1, memory=MIB, peak=MIB, ooms=1)
    account.seal()
    books.take_away()
    assert account.read().out_of_memory
    assert account.read().cpu_s == pytest.approx(1)
    assert account.members() == []


def test_a_death_for_memory_is_not_forgotten(books):
    """The group may go before the last look."""
    books.use(cpu_s=0, memory=0, peak=0)
    account = opened(books)
    books.use(cpu_s=1, memory=MIB, peak=MIB, ooms=1)
    account.read()
    books.take_away()
    assert account.read().out_of_memory


def test_who_is_not_root_ends_it_through_the_engine_and_keeps_the_figures(books, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    books.use(cpu_s=0, memory=0, peak=0)
    remote = FakeRemote()
    account = opened(books, remote)
    books.use(cpu_s=1, memory=MIB, peak=MIB)
    account.kill()
    account.kill()
    books.take_away()
    assert remote.killed == 1
    assert account.freezer() is remote
    assert account.read().cpu_s == pytest.approx(1)


def test_a_group_that_is_not_mounted_here_is_said(tmp_path):
    with pytest.raises(BoxStartError, match="/sys/fs/cgroup"):
        find_group(f"30 20 0:26 / {tmp_path} rw - cgroup2 cgroup2 rw\n", f"0::/docker/{ID}\n")
