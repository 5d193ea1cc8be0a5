"""Templates in containers: a box is a copy inside one, with the walls and limits of any box. The attack programs run in
them, too (world `docker_warm`); here is what is theirs alone."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox import MIB, BoxSpec
from sandbox.capture import Capture
from sandbox.cgroups import owned_folders
from sandbox.docker.backend import DockerBackend
from sandbox.docker.config import box_config
from sandbox.docker.folder import BoxFolder
from sandbox.docker.nest import template_host
from sandbox.owner import start_ticks
from sandbox.warm.keeper import WarmKeeper
from tests.attacks.program import Said
from tests.attacks.test_warm_secrets import plant, search
from tests.attacks.worlds import Boxes
from tests.docker_engine import docker_or_skip
from tests.warm_boxes import LITTLE, READY_S, WarmBoxes

pytestmark = pytest.mark.box
ROOT = Path(__file__).resolve().parents[2]


class LittleBoxes(WarmBoxes):
    """In containers, with a stack that imports in a moment."""

    def __init__(self, backend: DockerBackend, *, nests: bool = True) -> None:
        super().__init__(Path(sys.executable).parent.parent, "science", LITTLE)
        self.keeper.close()
        self.backend = backend
        self.keeper = WarmKeeper(template_host(backend._maker, nests=nests), LITTLE)


@pytest.fixture(scope="module")
def backend() -> DockerBackend:
    return docker_or_skip()


@pytest.fixture
def boxes(backend) -> Iterator[LittleBoxes]:
    made = LittleBoxes(backend)
    yield made
    made.close()


@pytest.fixture(scope="module")
def science(worlds) -> Boxes:
    return worlds.get("docker_warm")


def containers(backend: DockerBackend) -> set[str]:
    return {container for container, owner in backend._engine.owned() if f"-{os.getpid()}-" in owner}


def until(true: Callable[[], object], within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


@pytest.mark.lab
def test_a_box_comes_from_the_template_and_pays_for_no_import(science):
    warm = science.code("import sys; print('pandas' in sys.modules); import pandas")
    cold = science.code("import pandas; print('cold')", warm="none", memory_bytes=1024 * MIB)
    assert (warm.out, cold.out) == ("True\n", "cold\n")
    assert warm.outcome.usage.cpu_s < cold.outcome.usage.cpu_s / 5
    (template,) = science.backend.warm_status()["templates"]
    assert template["stack"] == "science"
    assert template["boxes"] >= 1


@pytest.mark.lab
def test_a_limit_on_memory_ends_the_box_and_not_its_template(science):
    code = "import sys; assert 'pandas' in sys.modules; kept = bytearray({size} << 20); print(len(kept) >> 20)"
    hit: Said = science.code(code.format(size=400), memory_bytes=128 * MIB)
    honest: Said = science.code(code.format(size=40), memory_bytes=128 * MIB)
    assert hit.outcome.status == "memory_limit"
    assert (honest.outcome.status, honest.out) == ("exited", "40\n")


def test_a_secret_of_one_run_is_nowhere_in_the_next(boxes):
    secret = secrets.token_hex(32)
    _, alone, places = search(boxes, secrets.token_hex(32))
    assert alone <= 3, f"what the search finds of its own probe: {places}"
    for _ in range(2):
        plant(boxes, secret)
    looked, found, places = search(boxes, secret)
    assert looked > 20, "the search read too little memory to show anything"
    assert found <= alone, f"found at {places}"


def test_control_the_search_finds_what_its_own_run_holds(boxes):
    secret = secrets.token_hex(32)
    _, without, _ = search(boxes, secret)
    _, with_plant, _ = search(boxes, secret, "plant")
    assert with_plant > without


def test_each_copy_is_in_a_cgroup_of_its_own_and_dies_with_the_template(boxes):
    process = boxes.start(["-c", "import time; print('up', flush=True); time.sleep(60)"])
    try:
        assert process.stdout.read(3) == b"up\n"
        (template,) = boxes.keeper._templates.values()
        inside = set(process._run.pids())
        assert inside
        assert not inside & set(template._monitor.pids())
        boxes.keeper.close()
        assert process.wait().exit_code is None
        assert not any(Path(f"/proc/{pid}").exists() for pid in inside)
    finally:
        process.close()


def test_a_template_that_was_killed_is_replaced(boxes, backend):
    assert boxes.warm(["-c", "print(1)"]).out == "1\n"
    (killed,) = boxes.keeper._templates.values()
    backend._engine.kill(killed._monitor._vessel._container.id)
    until(lambda: not killed.alive())
    assert boxes.warm(["-c", "print(2)"]).out == "2\n"
    assert killed not in boxes.keeper._templates.values()


def test_nothing_is_left_after_close(backend):
    backend.settle()
    before = containers(backend)
    boxes = LittleBoxes(backend)
    try:
        assert boxes.warm(["-c", "print(1)"]).out == "1\n"
        assert len(containers(backend) - before) == 1, "the template's alone: a copy needs no container"
    finally:
        boxes.close()
    backend.settle()
    assert containers(backend) == before


OWNER = """
import sys, time
from sandbox.docker.backend import DockerBackend
from tests.attacks.test_docker_warm import LittleBoxes
boxes = LittleBoxes(DockerBackend.open())
process = boxes.start(["-c", "import time; print('up', flush=True); time.sleep(60)"])
process.stdout.read(3)
(template,) = boxes.keeper._templates.values()
print(*process._run.pids(), *template._monitor.pids(), flush=True)
time.sleep(60)
"""


def test_everything_ends_with_its_owner_even_killed_and_the_next_one_sweeps(backend):
    owner = subprocess.Popen([sys.executable, "-c", OWNER], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    pids = [int(word) for word in owner.stdout.readline().split()]
    assert len(pids) >= 4, "shim and template; first process and program of the box"
    assert all(start_ticks(pid) is not None for pid in pids)
    assert left_of(owner.pid)
    owner.kill()
    owner.communicate()
    until(lambda: all(start_ticks(pid) is None for pid in pids))
    assert backend.sweep() >= 2
    assert left_of(owner.pid) == []


def left_of(owner: int) -> list[Path]:
    """Its cgroups on this machine."""
    return [folder for folder in owned_folders(Path("/sys/fs/cgroup")) if f"-{owner}-" in folder.name]


def test_where_no_namespace_can_be_made_the_copy_fails_and_doctor_says_why(backend):
    """As on an engine or kernel that forbids it: the template's container gets the profile of a box."""
    boxes = LittleBoxes(backend, nests=False)
    try:
        assert not boxes.keeper.wait_ready(boxes.spec(), [boxes.python, "-c", "1"], READY_S)
        check = boxes.keeper.check()
        assert "Operation not permitted" in check.how
        assert check.ok, "slower, not less safe"
        assert boxes.keeper.hopeless(boxes.spec(), [boxes.python, "-c", "1"])
    finally:
        boxes.close()


def test_then_a_container_of_its_own_is_kept_ready_with_the_stack(backend, monkeypatch):
    refusing = LittleBoxes(backend, nests=False)
    monkeypatch.setattr(backend, "_warm", refusing.keeper)
    try:
        assert standby_after_one(backend, refusing)
    finally:
        refusing.close()


def test_control_where_a_template_serves_no_container_is_kept_ready(backend, boxes, monkeypatch):
    monkeypatch.setattr(backend, "_warm", boxes.keeper)
    assert not standby_after_one(backend, boxes)
    assert boxes.keeper.status()["templates"][0]["boxes"] >= 1, "the first copy tried, at least"


def standby_after_one(backend: DockerBackend, boxes: LittleBoxes) -> bool:
    """Run a few boxes that wish for a stack, and see whether a container waits with it afterwards."""
    spec = BoxSpec(mounts=boxes.mounts, warm="science", memory_bytes=900 * MIB, wall_s=60)
    argv = [boxes.python, "-c", "print('done')"]
    boxes.keeper.wait_ready(spec, argv, READY_S)
    wanted: list[object] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backend._pool, "refill", wanted.append)
        process = backend.prepare(spec).start(argv)
        out = Capture(process.stdout, 1024)
        assert process.wait().exit_code == 0
        assert out.result(10).text == "done\n"
        process.close()
    return any(wish.standby for wish in wanted)


def test_only_a_templates_container_may_nest():
    """What is loosened for it is the filter and what covers /proc, and nothing else."""
    folder = BoxFolder()
    try:
        box, template = (
            box_config(BoxSpec(), image="i", python=Path(sys.executable), folder=folder, network="none", nests=nests)
            for nests in (False, True)
        )
    finally:
        folder.remove()
    differ = {name for name in box["HostConfig"] if box["HostConfig"][name] != template["HostConfig"][name]}
    assert differ == {"SecurityOpt", "MaskedPaths", "ReadonlyPaths"}
    assert {name for name in box if box[name] != template[name]} == {"HostConfig"}
    assert template["HostConfig"]["CapDrop"] == ["ALL"]
    assert template["User"] == "10001:10001"
