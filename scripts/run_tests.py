"""Runs the test suites as named steps, prints progress and one table at the end; exit code 1 if any step failed.

`fast` is what `make test` runs; `all` is what `make test-all` adds. A failed step does not hide the ones after it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
BIN = ROOT / ".venv" / "bin"
MANAGE = [str(BIN / "python"), "manage.py"]


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    argv: Sequence[str]
    folder: Path = ROOT


def tool(name: str, *arguments: str) -> list[str]:
    return [str(BIN / name), *arguments]


def pytest(*folders: str) -> list[str]:
    return tool("pytest", "-q", *folders)


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
    Step("unit tests", pytest("tests/unit")),
    Step("integration tests", pytest("tests/integration")),
    Step("browser tests", pytest("tests/browser")),
)
ALL = (
    Step("attacks on the sandbox", pytest("tests/attacks")),
    Step("cheats on the grader", pytest("tests/cheats")),
    Step("lessons verify, smoke", [*MANAGE, "lessons", "verify", "--tier", "smoke"]),
    Step("lessons verify 09, cpu", [*MANAGE, "lessons", "verify", "09_ab_testing", "--tier", "cpu"]),
    Step("acceptance, cpu tier", pytest("tests/acceptance")),
)


def environment() -> dict[str, str]:
    """The setup may have brought its own Node: put it first on the path then."""
    from scripts.bootstrap import node_folder, packaged_node  # needs the path that is set above

    node = node_folder() or packaged_node()
    return {**os.environ, "PATH": f"{node}{os.pathsep}{os.environ['PATH']}", "PYTHONUNBUFFERED": "1"}


def run(steps: Sequence[Step]) -> int:
    env = environment()
    results: list[tuple[str, bool, float]] = []
    for number, step in enumerate(steps, 1):
        print(f"\n━━ {number} of {len(steps)}: {step.name}", flush=True)
        began = time.monotonic()
        code = subprocess.run(step.argv, cwd=step.folder, env=env, check=False).returncode
        results.append((step.name, code == 0, time.monotonic() - began))
    print(f"\n{'step':<28} {'result':<8} seconds")
    for name, passed, seconds in results:
        print(f"{name:<28} {'ok' if passed else 'FAILED':<8} {seconds:7.1f}")
    failed = sum(not passed for _, passed, _ in results)
    print(f"steps: {len(results) - failed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(run({"fast": FAST, "all": ALL}[sys.argv[1]]))
