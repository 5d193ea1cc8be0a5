"""A spec refuses what cannot be meant, and cannot be changed after it was checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox import KIB, MIB, BoxSpec, Mount, Outcome, Usage
from sandbox.boxd import wire


def test_it_has_usable_defaults():
    spec = BoxSpec()
    assert (spec.memory_bytes, spec.pids, spec.wall_s, spec.disk_bytes) == (512 * MIB, 64, 10.0, 64 * MIB)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("memory_bytes", 0, "memory_bytes"),
        ("memory_bytes", -1, "memory_bytes"),
        ("pids", 0, "pids"),
        ("inodes", 15, "inodes"),
        ("open_files", 3, "open_files"),
        ("output_bytes", 0, "output_bytes"),
        ("wall_s", 0, "wall_s"),
        ("wall_s", float("inf"), "wall_s"),
        ("wall_s", float("nan"), "wall_s"),
        ("cpu_s", -1.0, "cpu_s"),
        ("cpus", (), "cpus"),
        ("cpus", (-1,), "cpus"),
        ("gpus", (-1,), "gpus"),
        ("hostname", "Bad_Name", "hostname"),
        ("hostname", "x\n127.0.0.1 evil", "hostname"),
        ("env", {"A=B": "x"}, "environment"),
        ("env", {"A": "x\0y"}, "environment"),
        ("files", {"../x": b""}, "file"),
        ("files", {"/work/../etc/passwd": b""}, "file"),
        ("files", {"a//b": b""}, "file"),
        ("files", {"": b""}, "file"),
        ("files", {"a\0b": b""}, "file"),
        ("files", {f"f{n}": b"" for n in range(257)}, "256 at most"),
    ],
)
def test_it_refuses(field, value, message):
    with pytest.raises(ValueError, match=message):
        BoxSpec(**{field: value})


def test_it_refuses_files_that_do_not_fit():
    BoxSpec(files={"a": bytes(64 * KIB)}, disk_bytes=64 * KIB)
    with pytest.raises(ValueError, match="more than disk_bytes"):
        BoxSpec(files={"a": bytes(64 * KIB + 1)}, disk_bytes=64 * KIB)


@pytest.mark.parametrize(
    "target", ["/", "/proc", "/proc/self", "/dev/shm", "/etc/passwd", "/usr", "/tmp", "relative", "/a/../b"]
)
def test_a_mount_may_not_undo_a_protection(target):
    with pytest.raises(ValueError, match="mount target"):
        Mount(source=Path("/srv"), target=target)


def test_a_mount_source_is_absolute():
    with pytest.raises(ValueError, match="absolute"):
        Mount(source=Path("relative"), target="/data")


def test_it_keeps_its_own_copy():
    files = {"a": b"1"}
    spec = BoxSpec(files=files)
    files["a"] = b"2"
    assert spec.files["a"] == b"1"
    with pytest.raises(TypeError):
        spec.files["b"] = b""


def test_a_relative_name_lies_in_work():
    assert BoxSpec.file_path("pkg/a.py") == "/work/pkg/a.py"
    assert BoxSpec.file_path("/opt/a.py") == "/opt/a.py"


def test_it_survives_the_wire():
    spec = BoxSpec(
        mounts=(Mount(source=Path("/srv"), target="/data"),),
        files={"a": b"12", "b/c": b"", "d": b"3"},
        cpus=(1,),
        cpu_s=2.5,
        env={"A": "b"},
    )
    plain, payload = wire.spec_to_wire(spec)
    assert wire.spec_from_wire(plain, payload) == spec


def test_the_wire_refuses_files_of_another_size():
    plain, payload = wire.spec_to_wire(BoxSpec(files={"a": b"12"}))
    with pytest.raises(ValueError, match="announce"):
        wire.spec_from_wire(plain, payload + b"x")


def test_an_outcome_is_told_of_more_limits_in_a_fixed_order():
    usage = Usage(wall_s=1.0, cpu_s=1.0, peak_memory_bytes=1, source="proc")
    outcome = Outcome(status="exited", exit_code=0, signal=None, usage=usage, detail="", hits=("disk",))
    assert outcome.with_hits("output", "memory").hits == ("memory", "disk", "output")
    assert outcome.with_hits("disk").hits == ("disk",)
    assert outcome.hits == ("disk",)
