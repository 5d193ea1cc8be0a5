"""Finding cgroups, judging owners, and the fix for a machine that refuses boxes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from sandbox import machine
from sandbox.backend import LimitCheck
from sandbox.cgroup_kinds import V1, V2
from sandbox.cgroups import find_hierarchies
from sandbox.errors import SandboxUnavailable
from sandbox.owner import owner_is_dead, owner_name
from sandbox.plan import make_plan, memory_file
from sandbox.runner import parse_size
from sandbox.spec import MIB, BoxSpec

SYSTEMD = (
    "35 25 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n25 1 8:1 / / rw - ext4 /dev/sda rw"
)
SPLIT = (
    "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "34 31 0:31 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids"
)


def test_it_finds_our_group_in_v2():
    tree = find_hierarchies(SYSTEMD, "0::/user.slice/user-1000.slice/session-2.scope")[""]
    assert tree.ours == Path("/sys/fs/cgroup/user.slice/user-1000.slice/session-2.scope")
    assert tree.root == Path("/sys/fs/cgroup")


def test_it_finds_each_controller_of_v1():
    trees = find_hierarchies(SPLIT, "4:memory:/a/b\n3:cpu,cpuacct:/\n2:pids:/c")
    assert trees["memory"].ours == Path("/sys/fs/cgroup/memory/a/b")
    assert trees["cpuacct"].ours == Path("/sys/fs/cgroup/cpu,cpuacct")
    assert trees["pids"].ours == Path("/sys/fs/cgroup/pids/c")


def test_a_container_sees_its_own_part_of_the_tree():
    inside = SPLIT.replace("0:32 / ", "0:32 /docker/abc ")
    assert find_hierarchies(inside, "4:memory:/docker/abc/x")["memory"].ours == Path("/sys/fs/cgroup/memory/x")


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def test_v2_bounds_memory_pids_and_swap_and_reads_back(tmp_path):
    write(tmp_path, memory__swap__max="max")
    V2().bound([tmp_path], memory_bytes=64 * MIB, pids=10)
    assert (tmp_path / "memory.max").read_text() == str(64 * MIB)
    assert (tmp_path / "memory.swap.max").read_text() == "0"
    assert (tmp_path / "memory.oom.group").read_text() == "1"
    assert (tmp_path / "pids.max").read_text() == "10"
    write(tmp_path, memory__current="900", memory__peak="1000", memory__stat="anon 500\nfile 400\nshmem 100\n")
    write(tmp_path, memory__events="low 0\noom 3\noom_kill 2\n", cpu__stat="usage_usec 1500000\nuser_usec 1\n")
    look = V2().look([tmp_path])
    assert (look.memory_bytes, look.kernel_peak_bytes, look.file_cache_bytes) == (600, 1000, 300)
    assert (look.cpu_s, look.oom_kills) == (1.5, 2)


def test_v1_reads_its_own_names(tmp_path):
    write(tmp_path, memory__stat="cache 700\nrss 500\nshmem 200\n", memory__max_usage_in_bytes="1300")
    write(tmp_path, memory__oom_control="oom_kill_disable 0\nunder_oom 0\noom_kill 1\n", cpuacct__usage="2500000000")
    look = V1().look([tmp_path, tmp_path, tmp_path])
    assert (look.memory_bytes, look.file_cache_bytes, look.cpu_s, look.oom_kills) == (700, 500, 2.5, 1)


def test_an_owner_that_lives_is_not_dead():
    assert not owner_is_dead(owner_name())


def test_an_owner_that_ended_is_dead():
    child = subprocess.Popen(["/bin/true"])
    child.wait()
    _, namespace, _, ticks = owner_name().split("-")
    assert owner_is_dead(f"rankzero-{namespace}-{child.pid}-{ticks}")


def test_a_reused_pid_is_not_the_owner():
    _, namespace, pid, ticks = owner_name().split("-")
    assert owner_is_dead(f"rankzero-{namespace}-{pid}-{int(ticks) - 1}")


@pytest.mark.parametrize("name", ["other-1-2-3", "rankzero-x-1-2", "rankzero-1-2", f"rankzero-1-{os.getpid()}-5"])
def test_what_cannot_be_judged_is_never_dead(name):
    assert not owner_is_dead(name)


@pytest.mark.parametrize(
    ("file", "blocking", "fix"),
    [
        ("kernel/apparmor_restrict_unprivileged_userns", "1", "kernel.apparmor_restrict_unprivileged_userns=0"),
        ("kernel/unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "user.max_user_namespaces=10000"),
    ],
)
def test_it_names_the_setting_that_blocks_boxes(tmp_path, file, blocking, fix):
    path = tmp_path / file
    path.parent.mkdir()
    path.write_text(f"{blocking}\n")
    assert f"sudo sysctl -w {fix}" in machine.fix_for_namespaces(tmp_path)
    path.write_text("777\n")
    assert "sysctl" not in machine.fix_for_namespaces(tmp_path)


def test_it_says_how_to_get_bubblewrap(monkeypatch):
    monkeypatch.setattr(machine, "_bwrap_candidates", list)
    with pytest.raises(SandboxUnavailable, match="apt-get install bubblewrap"):
        machine.find_bwrap()


def test_it_refuses_a_bubblewrap_that_is_too_old(monkeypatch, tmp_path):
    old = tmp_path / "bwrap"
    old.write_text("#!/bin/sh\necho bubblewrap 0.6.1\n")
    old.chmod(0o755)
    monkeypatch.setattr(machine, "_bwrap_candidates", lambda: [(old, None)])
    with pytest.raises(SandboxUnavailable, match=r"0\.6\.1"):
        machine.find_bwrap()


def test_a_limit_that_does_not_hold_is_refused_unless_accepted_by_name(monkeypatch):
    real = machine.survey()
    weak = [LimitCheck(name="memory", how="nothing", ok=False), LimitCheck(name="pids", how="nothing", ok=False)]
    monkeypatch.setattr(machine.Machine, "checks", lambda self: weak)
    with pytest.raises(SandboxUnavailable, match=r"RANKZERO_ACCEPT_UNENFORCED=memory,pids"):
        real.require_enforced()
    monkeypatch.setenv("RANKZERO_ACCEPT_UNENFORCED", "memory")
    with pytest.raises(SandboxUnavailable, match=r"UNENFORCED=pids "):
        real.require_enforced()
    monkeypatch.setenv("RANKZERO_ACCEPT_UNENFORCED", "memory, pids")
    real.require_enforced()


def test_the_root_is_made_read_only_after_everything_is_in_place():
    spec = BoxSpec(files={"a": b"1", "/opt/b": b"2"})
    plan = make_plan(spec, ["/bin/true"], seccomp=b"", status_fd=memory_file(b""))
    plan.close()
    sealed = list(zip(plan.args, plan.args[1:], strict=False)).index(("--remount-ro", "/"))
    making = {"--file", "--ro-bind", "--ro-bind-try", "--tmpfs", "--dir", "--symlink", "--dev", "--proc", "--dev-bind"}
    assert max(index for index, word in enumerate(plan.args) if word in making) < sealed
    for flag in (
        "--unshare-all",
        "--unshare-user",
        "--disable-userns",
        "--die-with-parent",
        "--new-session",
        "--clearenv",
    ):
        assert flag in plan.args


@pytest.mark.parametrize(
    ("text", "size"), [("512M", 512 * MIB), ("64K", 65536), ("1G", 2**30), ("4096", 4096), ("1MiB", MIB)]
)
def test_it_reads_sizes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "M", "-1M", "1.5G", "12X", "1MM"])
def test_it_refuses_what_is_no_size(text):
    with pytest.raises(ValueError, match="not a size"):
        parse_size(text)
