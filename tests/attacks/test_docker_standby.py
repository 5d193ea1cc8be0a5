"""A standby becomes the program, and the program finds what it finds in a cold box."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from sandbox import MIB, BoxSpec, Outcome
from sandbox.capture import Capture
from sandbox.docker.backend import DockerBackend
from sandbox.interpreter import interpreter_mounts, lab_dir
from tests.docker_engine import docker_or_skip

pytestmark = [pytest.mark.box, pytest.mark.lab]
ENV = {"NOTE": "1", "PYTHONPATH": "/tmp/own", "PYTHONUNBUFFERED": "1"}
IS_WARM = "import sys; assert 'pandas' in sys.modules\n"
LOOK = """
import json, os, resource, signal, sys
print(json.dumps({
    "argv": sys.argv, "orig": sys.orig_argv, "path": sys.path, "flags": repr(sys.flags), "name": __name__,
    "env": dict(os.environ), "cwd": os.getcwd(), "session": os.getsid(0) == os.getpid(), "parent": os.getppid(),
    "fds": sorted(os.listdir("/proc/self/fd")), "ours": [m for m in sys.modules if m.startswith("sandbox")],
    "files": resource.getrlimit(resource.RLIMIT_NOFILE), "core": resource.getrlimit(resource.RLIMIT_CORE),
    "int": repr(signal.getsignal(signal.SIGINT)), "child": repr(signal.getsignal(signal.SIGCHLD)),
    "encoding": [sys.stdout.encoding, sys.stdout.write_through], "stdin": sys.stdin.read(),
    "file": globals().get("__file__"), "group": os.getpgid(0) == os.getpid(),
    "cmdline": open("/proc/self/cmdline").read(30),  # a standby's has room for so much, and then zeros
}))
sys.exit(7)
"""


@pytest.fixture(scope="module")
def backend() -> Iterator[DockerBackend]:
    """Without templates, which would be asked first (test_docker_warm.py)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RANKZERO_WARM", "off")
        yield docker_or_skip()


@pytest.fixture(scope="module")
def python() -> str:
    path = lab_dir() / "bin" / "python"
    if not path.exists():
        pytest.skip("the lab is not installed")
    return str(path)


def run(backend: DockerBackend, argv: list[str], stdin: bytes = b"", **spec) -> tuple[Outcome, str, str]:
    spec = {"mounts": interpreter_mounts(lab_dir()), "memory_bytes": 700 * MIB, "env": ENV, "wall_s": 60, **spec}
    process = backend.prepare(BoxSpec(**spec)).start(argv)
    try:
        process.stdin.write(stdin)
        process.stdin.close()
        out, err = Capture(process.stdout, 64 * 1024), Capture(process.stderr, 64 * 1024)
        outcome = process.wait()
        return outcome, out.result(10).text, err.result(10).text
    finally:
        process.close()


def get_ready(backend: DockerBackend, argv: list[str], **spec) -> None:
    """Ask once, and wait until a standby for the next one stands ready."""
    deadline = time.monotonic() + 100
    while "science" not in backend.warm_status()["ready"]:
        run(backend, argv, warm="science", **spec)
        for _ in range(100):
            if "science" in backend.warm_status()["ready"] or time.monotonic() > deadline:
                break
            time.sleep(0.1)
        assert time.monotonic() < deadline, "no standby got ready"


@pytest.mark.parametrize("form", ["code", "file", "module"])
def test_the_program_sees_what_it_sees_in_a_cold_box(backend, python, form):
    argv, files = {
        "code": ([python, "-P", "-c", LOOK, "a", "b"], {}),
        "file": ([python, "-P", "look.py", "a"], {"look.py": LOOK.encode()}),
        "module": ([python, "-P", "-m", "look", "a"], {"/tmp/own/look.py": LOOK.encode()}),
    }[form]
    get_ready(backend, [python, "-P", "-c", ""])
    warm = run(backend, argv, b"input", files=files, warm="science")
    cold = run(backend, argv, b"input", files=files)
    assert warm[0].exit_code == cold[0].exit_code == 7
    assert json.loads(warm[1]) == json.loads(cold[1])


def test_it_was_warm(backend, python):
    """The control: what the test above compares is really a standby's."""
    get_ready(backend, [python, "-P", "-c", ""])
    outcome, said, errors = run(backend, [python, "-P", "-c", IS_WARM + "print('warm')"], warm="science")
    assert (outcome.exit_code, said, errors) == (0, "warm\n", "")
    # The imports are not billed as time, but count as memory: the limit holds for them, as in a cold start.
    assert outcome.usage.cpu_s < 0.5
    assert outcome.usage.peak_memory_bytes > 32 * MIB


def test_no_two_standbys_draw_alike(backend, python):
    code = IS_WARM + "import random, numpy; print(random.random(), numpy.random.rand(), hash('x'))"
    drawn = []
    for _ in range(2):
        get_ready(backend, [python, "-P", "-c", ""])
        outcome, said, _ = run(backend, [python, "-P", "-c", code], warm="science")
        assert outcome.exit_code == 0
        drawn += said.split()
    assert len(set(drawn)) == 6


def test_a_death_in_a_standby_is_told_as_it_was(backend, python):
    get_ready(backend, [python, "-P", "-c", ""])
    code = IS_WARM + "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    outcome, _, _ = run(backend, [python, "-P", "-c", code], warm="science")
    assert (outcome.status, outcome.signal) == ("signalled", 11)


def test_what_a_standby_cannot_run_starts_cold(backend, python):
    get_ready(backend, [python, "-P", "-c", ""])
    outcome, said, _ = run(backend, ["/bin/echo", "cold"], warm="science")
    assert (outcome.exit_code, said) == (0, "cold\n")
