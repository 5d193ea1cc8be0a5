"""A container's configuration, without an engine."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest

from sandbox import MIB, BoxSpec, BoxStartError, Mount, SandboxUnavailable
from sandbox.docker import config
from sandbox.docker.backend import DockerBackend
from sandbox.docker.checks import limit_checks
from sandbox.docker.config import box_config
from sandbox.docker.folder import BoxFolder, sweep_folders
from sandbox.docker.runtime import chosen_runtime
from sandbox.docker.wish import request_for, wish_for
from sandbox.owner import owner_name

PYTHON = Path("/usr/bin/python3")


@pytest.fixture
def folder():
    made = BoxFolder()
    yield made
    made.remove()
    assert not made.path.exists()


def configured(folder: BoxFolder, network: str = "none", **spec) -> dict:
    return box_config(BoxSpec(**spec), image="i", python=PYTHON, folder=folder, network=network)


def mounted(made: dict) -> dict[str, dict]:
    return {mount["Target"]: mount for mount in made["HostConfig"]["Mounts"]}


def test_it_gives_nothing_away(folder):
    made = configured(folder)
    host = made["HostConfig"]
    assert host["NetworkMode"] == "none"
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"][0] == "no-new-privileges"
    assert host["SecurityOpt"][1].startswith("seccomp={")
    assert (made["User"], host["IpcMode"], host["LogConfig"]["Type"]) == ("10001:10001", "private", "none")
    assert {"/sys", "/dev/mqueue", "/proc/kcore"} <= set(host["MaskedPaths"])
    assert "Privileged" not in host
    assert "Devices" not in host
    assert made["Labels"] == {"rankzero.owner": owner_name()}


def test_every_mount_is_read_only_and_alone(folder):
    for mount in configured(folder, mounts=(Mount(source=Path("/etc"), target="/x"),))["HostConfig"]["Mounts"]:
        assert mount["ReadOnly"] is True
        assert mount["BindOptions"]["NonRecursive"] is True


def test_a_file_system_below_a_mount_is_bound_by_itself(folder, monkeypatch, tmp_path):
    """Bound along with its parent it would stay writable."""
    monkeypatch.setattr(config, "_mount_points", lambda: {tmp_path / "below", Path("/elsewhere")})
    shown = mounted(configured(folder, mounts=(Mount(source=tmp_path, target="/data"),)))
    assert shown["/data"]["Source"] == str(tmp_path)
    assert shown["/data/below"]["Source"] == str(tmp_path / "below")
    assert "/data/elsewhere" not in shown


def test_memory_has_room_for_the_shim_and_no_swap(folder):
    host = configured(folder, memory_bytes=64 * MIB)["HostConfig"]
    assert host["Memory"] == host["MemorySwap"] == 64 * MIB + chosen_runtime().memory_bytes


@pytest.mark.parametrize(("asked", "set_to"), [(1, 32), (64, 65)])
def test_the_runtime_can_start_however_few_processes_are_asked_for(folder, asked, set_to):
    assert configured(folder, pids=asked)["HostConfig"]["PidsLimit"] == set_to


def test_disks_have_their_sizes(folder):
    disks = configured(folder, disk_bytes=8 * MIB, shm_bytes=MIB, inodes=100)["HostConfig"]["Tmpfs"]
    assert set(disks) == {"/work", "/tmp", "/dev/shm"}
    assert f"size={8 * MIB}," in disks["/work"]
    assert f"size={MIB}," in disks["/dev/shm"]
    assert all("nr_inodes=1124," in options and "nosuid,nodev" in options for options in disks.values())


def test_only_named_cores_and_gpus_are_asked_for(folder):
    plain = configured(folder)["HostConfig"]
    assert "CpusetCpus" not in plain
    assert "DeviceRequests" not in plain
    host = configured(folder, cpus=(0, 1), gpus=(2,))["HostConfig"]
    assert host["CpusetCpus"] == "0,1"
    assert host["DeviceRequests"] == [{"DeviceIDs": ["2"], "Capabilities": [["gpu"]]}]


def test_in_a_pod_the_name_is_the_pods_and_still_resolves(folder):
    made = configured(folder, network="container:abc", hostname="srv")
    assert "Hostname" not in made
    assert made["HostConfig"]["NetworkMode"] == "container:abc"
    assert "127.0.0.1 localhost srv box\n" in (folder.path / "hosts").read_text()


def test_the_hosts_name_servers_are_not_shown(folder):
    shown = mounted(configured(folder))["/etc/resolv.conf"]
    assert Path(shown["Source"]).read_bytes() == b""


def test_files_outside_the_boxs_folders_are_bound_and_others_are_not(folder):
    shown = mounted(configured(folder, files={"a.txt": b"a", "/tmp/b": b"b", "/opt/c": b"c"}))
    assert Path(shown["/opt/c"]["Source"]).read_bytes() == b"c"
    assert not {"/work/a.txt", "/tmp/b"} & set(shown)
    spec = BoxSpec(files={"a.txt": b"a", "/tmp/b": b"b", "/opt/c": b"c"})
    assert dict(request_for(spec, ["x"], None).files) == {"/work/a.txt": b"a", "/tmp/b": b"b"}


def test_a_mount_that_is_not_there_is_refused(folder):
    with pytest.raises(BoxStartError, match="does not exist"):
        configured(folder, mounts=(Mount(source=Path("/nowhere/x"), target="/x"),))


def test_the_runtime_is_the_operators_choice(folder, monkeypatch):
    assert "Runtime" not in configured(folder)["HostConfig"]
    monkeypatch.setenv("RANKZERO_DOCKER_RUNTIME", "runsc")
    host = configured(folder, memory_bytes=64 * MIB, pids=10)["HostConfig"]
    assert host["Runtime"] == "runsc"
    # Room for the kernel that it brings along.
    assert host["Memory"] == 160 * MIB
    assert host["PidsLimit"] == 522
    assert next(check for check in limit_checks("20", "cgroup2") if check.name == "pids").how.endswith(
        "512 more than asked for"
    )


def test_boxes_that_differ_only_in_their_program_have_one_wish():
    one = wish_for(BoxSpec(files={"a": b"1"}, env={"A": "1"}, wall_s=1, cpu_s=1, open_files=20), ["a"])
    assert one == wish_for(BoxSpec(), ["b"])
    assert one != wish_for(BoxSpec(memory_bytes=64 * MIB), ["a"])


@pytest.mark.parametrize("spec", [{"cpus": (0,)}, {"gpus": (0,)}, {"files": {"/opt/x": b""}}])
def test_a_box_with_something_of_its_own_has_no_wish(spec):
    assert wish_for(BoxSpec(**spec), ["a"]) is None


@pytest.mark.parametrize(
    ("host", "said"), [("unix:///nowhere/d.sock", "No such file"), ("tcp://127.0.0.1:1", "engine of this machine")]
)
def test_an_engine_that_cannot_be_had_is_said_with_what_to_do(monkeypatch, host, said):
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(SandboxUnavailable, match=rf"{said}.*(DOCKER_HOST|unix://)"):
        DockerBackend.open()


def test_a_bad_number_of_ready_containers_is_said(monkeypatch):
    monkeypatch.setenv("RANKZERO_DOCKER_READY", "many")
    with pytest.raises(SandboxUnavailable, match="RANKZERO_DOCKER_READY"):
        DockerBackend.open()


def test_a_folder_is_ours_alone(folder):
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert folder.path.parent.name == owner_name()
    assert stat.S_IMODE(folder.path.parent.stat().st_mode) == 0o700
    assert folder.accept(0) is None


def test_a_path_too_long_for_a_socket_is_said(monkeypatch, tmp_path):
    long = tmp_path / ("x" * 90)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with pytest.raises(BoxStartError, match="TMPDIR"):
        BoxFolder()
    assert not list(long.glob("*/*"))


@pytest.fixture
def short_path():
    """Sockets want short paths, and pytest's own folders are long."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="rz") as path:
        yield Path(path)


def test_folders_of_the_dead_are_swept_and_others_are_not(monkeypatch, short_path):
    monkeypatch.setattr("tempfile.tempdir", str(short_path))
    namespace = Path("/proc/self/ns/pid").stat().st_ino
    dead = short_path / f"rankzero-{namespace}-4194303-1"
    elsewhere = short_path / f"rankzero-{namespace + 1}-4194303-1"
    unrelated = short_path / "rankzero-judge-abcdefgh"
    living = BoxFolder()
    for path in (dead, elsewhere, unrelated):
        path.mkdir()
    (short_path / f"rankzero-{namespace}-4194302-1").symlink_to(unrelated)
    assert sweep_folders() == 1
    assert not dead.exists()
    assert all(path.exists() for path in (elsewhere, unrelated, living.path))
    living.remove()


def test_a_folder_that_others_may_enter_is_not_used(monkeypatch, short_path):
    monkeypatch.setattr("tempfile.tempdir", str(short_path))
    (short_path / owner_name()).mkdir(mode=0o755)
    with pytest.raises(BoxStartError, match="not ours alone"):
        BoxFolder()


def test_it_runs_as_root_or_not(folder):
    """The socket is for the container's user; the folder around it keeps everybody else out."""
    assert stat.S_IMODE(folder.socket.stat().st_mode) == 0o666
    assert folder.path.stat().st_uid == os.geteuid()
