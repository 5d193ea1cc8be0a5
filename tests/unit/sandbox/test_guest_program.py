"""A rank's program runs as under `python -u`: in an interpreter of its own, and forked from another program."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FORKED = f"""
import os, signal, sys
sys.path.insert(0, {str(ROOT)!r})
from sandbox.guest import program
if (child := os.fork()) == 0:
    try:
        program.become_fresh(dict(os.environ))
        program.leave(program.run(sys.argv[1], sys.argv[2:]))
    finally:
        os._exit(70)
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
if code < 0:
    signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
os._exit(code)
"""
WAYS = {
    "own interpreter": ["-u", str(ROOT / "sandbox" / "guest" / "rank.py")],
    "forked": ["-u", "-c", FORKED],
}

PROGRAMS = {
    "looks around": """
import sys, os
print(sorted(globals()), __name__, __file__, __spec__, __package__, __doc__, __cached__, type(__builtins__))
print(type(__loader__).__name__, __annotations__, sys.argv, sys.orig_argv, sys.path[0], "sandbox" in sys.modules)
print(sys.modules["__main__"].__dict__ is globals(), os.getcwd(), sys.stdin.read())
print(sys.stdout.encoding, sys.stdout.errors, sys.stderr.errors, sys.stdout.write_through, type(sys.stdout.buffer))
print([path for path in sys.path if "guest" in path], sys.stdout is sys.__stdout__, sys.stdout.name)
""",
    "raises": "def inner():\n    raise ValueError('no')\ndef outer():\n    inner()\nouter()\n",
    "raises from another": "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise KeyError('k') from e\n",
    "has no syntax": "print('not reached')\nx = = 2\n",
    "has a coding of its own": "# coding: latin-1\nprint('a')\n",
    "exits with a code": "import sys\nsys.exit(3)\n",
    "exits with a big code": "import sys\nsys.exit(-1)\n",
    "exits with nothing": "import sys\nsys.exit()\n",
    "exits with words": "import sys\nsys.exit('words')\n",
    "leaves at once": "import os\nprint('here')\nos._exit(5)\n",
    "is interrupted": "import atexit\natexit.register(print, 'bye')\nraise KeyboardInterrupt\n",
    "is terminated": "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n",
    "breaks a pipe": "import os, sys\nr, w = os.pipe()\nos.close(r)\nos.write(w, b'x')\n",
    "says good-bye": """
import atexit, sys, threading, time
atexit.register(lambda: print("exit function"))
def late():
    time.sleep(0.2)
    print("thread")
threading.Thread(target=late).start()
class Loud:
    def __del__(self):
        print("released")
loud = Loud()
sys.stdout.write("no end of line ")
""",
    "leaves a file open": "left = open('left.txt', 'w')\nleft.write('all of it')\n",
    "fails with a file open": "left = open('left.txt', 'w')\nleft.write('all of it')\nraise OSError('late')\n",
    "has modules named as ours": "import sandbox, ranks, frames\nprint(sandbox.WHOSE, ranks.WHOSE, frames.WHOSE)\n",
    "hooks exceptions": "import sys\nsys.excepthook = lambda *_: print('hooked', _[0])\n1 / 0\n",
    "has a hook that fails": "import sys\ndef hook(*_):\n    1 / 0\nsys.excepthook = hook\nraise OSError\n",
    "has a hook that exits": "import sys\nsys.excepthook = lambda *_: sys.exit(4)\nraise OSError\n",
    "warns": "import warnings\nwarnings.warn('careful')\n",
    "prints what cannot be printed": "print('\\ud800')\n",
    "closes its output": "import sys\nsys.stdout.close()\n",
    "starts processes": """
import multiprocessing as mp, subprocess, sys
def work(n):
    print("child", n, __name__)
if __name__ == "__main__":
    for way in ("fork", "spawn"):
        child = mp.get_context(way).Process(target=work, args=(way,))
        child.start()
        child.join()
        print(way, child.exitcode)
    print(subprocess.run([sys.executable, "-c", "print('sub')"], capture_output=True, text=True).stdout)
""",
}


@dataclass(frozen=True, kw_only=True)
class Ended:
    code: int
    out: str
    err: str
    left: str


def ended(folder: Path, options: list[str], entry: str = "main.py") -> Ended:
    (folder / "left.txt").unlink(missing_ok=True)
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$0" "$@" 3</dev/null', sys.executable, *options, entry, "one", "-x"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    left = folder / "left.txt"
    return Ended(code=done.returncode, out=done.stdout, err=done.stderr, left=left.read_text() if left.exists() else "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("sandbox", "ranks", "frames"):
        (tmp_path / f"{name}.py").write_text("WHOSE = 'the learner'\n")
    return tmp_path


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_it_runs_as_the_interpreter_runs_a_program_that(name, way, folder):
    (folder / "main.py").write_text(PROGRAMS[name])
    assert ended(folder, WAYS[way]) == ended(folder, ["-u"])


@pytest.mark.parametrize("way", WAYS)
def test_it_finds_a_program_in_a_folder(way, folder):
    (folder / "deep").mkdir()
    (folder / "deep" / "main.py").write_text("import sys, near\nprint(sys.path[0], sys.argv, __file__)\n")
    (folder / "deep" / "near.py").touch()
    plain = ended(folder, ["-u"], "deep/main.py")
    assert plain.out
    assert ended(folder, WAYS[way], "deep/main.py") == plain


@pytest.mark.parametrize("way", WAYS)
def test_it_says_so_when_there_is_no_program(way, folder):
    assert ended(folder, WAYS[way]) == ended(folder, ["-u"])


def test_a_forked_program_draws_its_own_numbers(folder):
    (folder / "main.py").write_text("import random\nprint(random.random())\n")
    seeded = ["-u", "-c", f"import random\nrandom.seed(1)\n{FORKED}"]
    assert ended(folder, seeded).out != ended(folder, seeded).out
