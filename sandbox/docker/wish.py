"""What a container can be made for before its program is known: all that its configuration depends on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from sandbox.docker.config import runs_in_container
from sandbox.docker.image import CODE
from sandbox.docker.request import FOLDER, Request
from sandbox.plan import environment
from sandbox.spec import BoxSpec, Mount, WarmStack
from sandbox.warm.program import NotWarmError, TemplateKey, parse_program, template_key
from sandbox.warm.stacks import STACKS

_IMPORT_FILES = 4096  # open ones; fewer are allowed once the program begins


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Two boxes with equal wishes can have each other's containers. `standby`: the interpreter that has imported."""

    mounts: tuple[Mount, ...]
    memory_bytes: int
    pids: int
    disk_bytes: int
    shm_bytes: int
    inodes: int
    hostname: str
    standby: TemplateKey | None

    @property
    def stack(self) -> WarmStack:
        return "none" if self.standby is None else self.standby.stack

    def spec(self) -> BoxSpec:
        """With nothing of a program in it."""
        return BoxSpec(
            mounts=self.mounts,
            memory_bytes=self.memory_bytes,
            pids=self.pids,
            disk_bytes=self.disk_bytes,
            shm_bytes=self.shm_bytes,
            inodes=self.inodes,
            hostname=self.hostname,
        )

    def standby_request(self) -> Request | None:
        """What the shim is to start ahead, if anything."""
        if self.standby is None:
            return None
        flags = ["-P"] if self.standby.safe_path else []
        imports = json.dumps(STACKS[self.standby.stack])
        return Request(
            argv=[self.standby.python, *flags, "-m", "sandbox.docker.standby", imports],
            env=self.standby.template_environment(CODE),
            open_files=_IMPORT_FILES,
        )


def wish_for(spec: BoxSpec, argv: Sequence[str]) -> Wish | None:
    """None for a box that must have a container of its own: named cores, GPUs, files outside its own folders."""
    if spec.cpus is not None or spec.gpus or not all(runs_in_container(spec.file_path(name)) for name in spec.files):
        return None
    standby = None
    if spec.warm != "none":
        try:
            parse_program(spec, argv)
            standby = template_key(spec, argv)
        except NotWarmError:
            standby = None  # a cold start, as the spec says of a wish that cannot be met
    return Wish(
        mounts=spec.mounts, memory_bytes=spec.memory_bytes, pids=spec.pids, disk_bytes=spec.disk_bytes,
        shm_bytes=spec.shm_bytes, inodes=spec.inodes, hostname=spec.hostname, standby=standby,
    )  # fmt: skip


def request_for(spec: BoxSpec, argv: Sequence[str], wish: Wish | None) -> Request:
    """What the shim is told when the program is to begin."""
    cold = Request.of(spec, argv)
    if wish is None or wish.standby is None:
        return cold
    program = parse_program(spec, argv)
    warm = {
        "argv": list(argv),
        "program": asdict(program),
        "path": program.path,
        "environment": {**environment(spec), **FOLDER},
    }
    return replace(cold, warm=warm)
