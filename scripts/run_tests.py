"""Runs the test suites as named steps, prints progress and one table at the end; exit code 1 if any step failed.

`fast` is what `make test` runs; `all` is what `make test-all` adds. A failed step does not hide the ones after it.
A step may have several lanes: commands that run side by side. What each prints is shown whole when it has ended.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
BIN = ROOT / ".venv" / "bin"
MANAGE = [str(BIN / "python"), "manage.py"]
HEARTBEAT_S = 30.0
_LOOK_S = 0.2
_SHOWN = 70
LIMIT_S = 1500.0  # of a step: far above what any takes, far below what would keep the later ones from running
_LAST_WORDS_S = 10.0
_TESTS_FAILED = 1  # pytest's exit code


@dataclass(frozen=True, slots=True)
class Step:
    """`argv`: one command, or lanes by name."""

    name: str
    argv: Sequence[str] | Mapping[str, Sequence[str]]
    folder: Path = ROOT


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `cpu_s`: of the command and of all descendants that were waited for."""

    name: str
    code: int
    wall_s: float
    cpu_s: float
    argv: Sequence[str]
    tries: int = 1

    @property
    def result(self) -> str:
        return "FAILED" if self.code else "ok" if self.tries == 1 else "ok, 2nd try"


def tool(name: str, *arguments: str) -> list[str]:
    return [str(BIN / name), *arguments]


def pytest(*arguments: str) -> list[str]:
    """Each with a cache of its own: it says what failed, and lanes must not write to one."""
    cache = ROOT / ".pytest_cache" / f"{zlib.crc32(' '.join(arguments).encode()):08x}"
    return tool("pytest", "-q", "-o", f"cache_dir={cache}", "-rfEs", *arguments)


def second_try(argv: Sequence[str]) -> list[str] | None:
    """Of the tests that failed, in a new process and beside nothing else; None for what is no pytest.

    Tests race with real processes, engines and clocks. The table names every step that needed it.
    """
    tests = any(Path(word).name == "pytest" for word in argv)
    return [*argv, "--last-failed", "--last-failed-no-failures=none"] if tests else None


FRONTEND = ROOT / "webapp" / "frontend"
FAST = (
    Step("ruff check", tool("ruff", "check", ".")),
    Step("ruff format", tool("ruff", "format", "--check", ".")),
    Step("mypy", tool("mypy")),
    Step("import-linter", tool("lint-imports")),
    Step("migrations are complete", [*MANAGE, "makemigrations", "--check", "--dry-run"]),
    Step("TypeScript types", ["npm", "run", "check"], FRONTEND),
    Step("TypeScript tests", ["npm", "test"], FRONTEND),
    Step("lessons check", [*MANAGE, "lessons", "check"]),
    Step(
        "unit tests",
        {
            "grader": pytest("tests/unit/grader", "-m", "not alone"),
            "all others": pytest("tests/unit", "--ignore=tests/unit/grader", "-m", "not alone"),
        },
    ),
    Step("tests that compare times", pytest("tests/unit/grader", "tests/integration", "-m", "alone")),
    Step(
        "the whole site",
        {"integration tests": pytest("tests/integration", "-m", "not alone"), "browser tests": pytest("tests/browser")},
    ),
)
# The site by environment alone on production's services; left out where they are not installed.
SERVICES = [str(BIN / "python"), "scripts/services.py", "run", "--"]
ALL = (
    Step(
        "attacks on the sandbox",
        {"bubblewrap": pytest("tests/attacks", "-k", "not docker"), "docker": pytest("tests/attacks", "-k", "docker")},
    ),
    Step(
        "cheats on the grader",
        {"bubblewrap": pytest("tests/cheats", "-k", "not docker"), "docker": pytest("tests/cheats", "-k", "docker")},
    ),
    Step("lessons verify, smoke", [*MANAGE, "lessons", "verify", "--tier", "smoke", "--jobs", "2"]),
    Step("lessons verify 09, cpu", [*MANAGE, "lessons", "verify", "09_ab_testing", "--tier", "cpu", "--jobs", "2"]),
    Step("chaos", pytest("tests/chaos")),
    Step("acceptance", pytest("tests/acceptance")),
    Step(
        "on PostgreSQL and Redis",
        {
            "parts": [*SERVICES, *pytest("tests/unit/web", "--ignore-glob=*/test_bench_*")],
            "site": [*SERVICES, *pytest("tests/integration/test_loop.py", "tests/integration/test_postgres.py")],
        },
    ),
)


def environment() -> dict[str, str]:
    """The setup may have brought its own Node: put it first on the path then."""
    from scripts.bootstrap import node_folder, packaged_node  # needs the path that is set above

    node = node_folder() or packaged_node()
    return {**os.environ, "PATH": f"{node}{os.pathsep}{os.environ['PATH']}", "PYTHONUNBUFFERED": "1"}


def end(process: subprocess.Popen[bytes]) -> int:
    """Ends a command that ran too long: pytest answers SIGABRT by printing where each of its threads stands."""
    print(f"\n── process {process.pid} still runs after {LIMIT_S:.0f} s: ended", flush=True)
    process.send_signal(signal.SIGABRT)
    try:
        return process.wait(_LAST_WORDS_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


class Lane:
    """A command that writes into a file of its own while others run beside it."""

    def __init__(self, step: Step, name: str, argv: Sequence[str], log: Path, env: Mapping[str, str]) -> None:
        self.name = name
        self.row: Row | None = None
        self._argv = argv
        self._title = f"{step.name}: {name}"
        self._log = log
        self._began = time.monotonic()
        with log.open("wb") as out:
            self._process = subprocess.Popen(argv, cwd=step.folder, env=env, stdout=out, stderr=subprocess.STDOUT)

    def look(self) -> bool:
        """True once it has ended; then its output is shown."""
        if self.row is None:
            pid, status, usage = os.wait4(self._process.pid, os.WNOHANG)
            if pid:
                self._end(os.waitstatus_to_exitcode(status), usage)
        return self.row is not None

    def stop(self) -> None:
        """Ends it if it still runs, and shows what it has printed."""
        if self.row is None:
            end(self._process)
            self._end(self._process.returncode, resource.getrusage(resource.RUSAGE_CHILDREN))

    def last_line(self) -> str:
        with self._log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 4096))
            lines = log.read().decode(errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), "nothing yet")[-_SHOWN:]

    def _end(self, code: int, usage: resource.struct_rusage) -> None:
        self._process.returncode = code  # or Popen would think that it still runs
        wall_s = time.monotonic() - self._began
        self.row = Row(self._title, code, wall_s, usage.ru_utime + usage.ru_stime, self._argv)
        print(f"\n── {self._title}: {'ok' if code == 0 else f'FAILED, exit code {code}'}, {wall_s:.0f} s", flush=True)
        sys.stdout.write(self._log.read_text(errors="replace"))
        sys.stdout.flush()


def run_lanes(step: Step, lanes: Mapping[str, Sequence[str]], env: Mapping[str, str]) -> list[Row]:
    """All lanes at once; a line every half minute says how far each is."""
    with tempfile.TemporaryDirectory(prefix="rz-lanes-") as folder, contextlib.ExitStack() as stops:
        running: list[Lane] = []
        for number, (name, argv) in enumerate(lanes.items()):
            running.append(Lane(step, name, argv, Path(folder) / f"{number}.log", env))
            stops.callback(running[-1].stop)
        began = last = time.monotonic()
        while alive := [lane for lane in running if not lane.look()]:
            time.sleep(_LOOK_S)
            if time.monotonic() - began > LIMIT_S:
                for lane in alive:
                    lane.stop()
            if time.monotonic() - last >= HEARTBEAT_S:
                last = time.monotonic()
                for lane in alive:
                    print(f"   {last - began:4.0f} s  {lane.name}: {lane.last_line()}", flush=True)
        return [lane.row for lane in running if lane.row is not None]


def run_one(step: Step, argv: Sequence[str], env: Mapping[str, str]) -> Row:
    """One command that prints as it goes."""
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(argv, cwd=step.folder, env=env)
    try:
        code = process.wait(LIMIT_S)
    except subprocess.TimeoutExpired:
        code = end(process)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Row(step.name, code, time.monotonic() - began, cpu_s, argv)


def run(steps: Sequence[Step], env: Mapping[str, str]) -> int:
    rows: list[Row] = []
    for number, step in enumerate(steps, 1):
        print(f"\n━━ {number} of {len(steps)}: {step.name}", flush=True)
        done = run_lanes(step, step.argv, env) if isinstance(step.argv, Mapping) else [run_one(step, step.argv, env)]
        rows += [try_again(step, row, env) for row in done]
    return table(rows)


def try_again(step: Step, row: Row, env: Mapping[str, str]) -> Row:
    again = second_try(row.argv)
    if row.code != _TESTS_FAILED or again is None:
        return row
    print(f"\n── {row.name}: second try of what failed", flush=True)
    second = run_one(step, again, env)
    return replace(row, code=second.code, tries=2, wall_s=row.wall_s + second.wall_s, cpu_s=row.cpu_s + second.cpu_s)


def table(rows: Sequence[Row]) -> int:
    print(f"\n{'step':<38} {'result':<12} {'seconds':>8} {'CPU s':>8}")
    for row in rows:
        print(f"{row.name:<38} {row.result:<12} {row.wall_s:8.1f} {row.cpu_s:8.1f}")
    failed = sum(row.code != 0 for row in rows)
    print(f"commands: {len(rows) - failed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(run({"fast": FAST, "all": ALL}[sys.argv[1]], environment()))
