"""A program in a warm box sees, says and ends as in a cold one: both are run, and compared to the letter."""

# ruff: noqa: E501  a program a line

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.warm_boxes import WarmBoxes, little_boxes

ENDINGS = {
    "runs_off_the_end": "print('done')",
    "exit_code": "import sys; sys.exit(3)",
    "exit_none": "import sys; sys.exit(None)",
    "exit_true": "import sys; sys.exit(True)",
    "exit_words": "import sys; sys.exit('out of words')",
    "exit_large": "import sys; sys.exit(1027)",
    "exit_negative": "import sys; sys.exit(-1)",
    "raise_system_exit": "raise SystemExit(5)",
    "at_once": "import os; os._exit(9)",
    "error": "def inner():\n    1 / 0\ninner()",
    "chained_error": "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    raise KeyError('k') from e",
    "syntax_error": "def broken(:\n    pass",
    "interrupt": "raise KeyboardInterrupt",
    "killed": "import os; os.kill(os.getpid(), 9)",
    "terminated": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "aborted": "import os; os.abort()",
    "own_excepthook": "import sys\nsys.excepthook = lambda *a: print('hook', a[0].__name__)\nraise ValueError(1)",
    "thread_is_waited_for": "import threading, time\nt = threading.Thread(target=lambda: (time.sleep(.2), print('late')))\n"
    "t.start()\nprint('main over')",
    "daemon_is_not_waited_for": "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
    "error_in_thread": "import threading\ndef f(): raise ValueError('in thread')\n"
    "t = threading.Thread(target=f, name='T'); t.start(); t.join(); print('on')",
    "atexit_in_order": "import atexit\natexit.register(print, 'first'); atexit.register(print, 'second')\nprint('body')",
    "atexit_after_error": "import atexit\natexit.register(print, 'bye')\nraise ValueError('x')",
    "atexit_that_fails": "import atexit\ndef f(): raise RuntimeError('late')\natexit.register(f)\natexit.register(print, 'ran')",
    "finalizer": "import weakref\nclass A: pass\na = A()\nweakref.finalize(a, print, 'finalized')\nprint('body')",
    "del_at_the_end": "class A:\n    def __del__(self): print('deleted')\na = A()\nprint('body')",
    "unflushed_output": "import sys; sys.stdout.write('no newline'); sys.stderr.write('neither')",
    "closed_stdout": "import sys; sys.stdout.close()",
    "logging_to_stderr": "import logging; logging.warning('careful'); logging.getLogger('a').error('worse')",
    "warning": "import warnings; warnings.warn('mind', stacklevel=1)",
    "reads_stdin": "import sys; print(sys.stdin.read().upper(), sys.stdin.readline() == '')",
    "binary_stdin": "import sys; print(sys.stdin.buffer.read(3), sys.stdin.buffer.read())",
    "bad_bytes": "import sys; print(repr(sys.stdin.read())); print('\\udc80\\u00e9')",
}
VIEWS = {
    "arguments": "import sys; print(sys.argv, sys.orig_argv)",
    "path": "import sys; print(sys.path)",
    "flags": "import sys; print(sys.flags, sys.dont_write_bytecode, sys.warnoptions, sys.executable)",
    "main": "import sys; m = sys.modules['__main__']; print(sorted(k for k in vars(m) if k[0] == '_'), "
    "m.__name__, m.__spec__, m.__package__, m.__doc__, m.__loader__ is not None, vars(m) is globals())",
    "builtins": "print(type(__builtins__), __builtins__.__name__)",
    "streams": "import sys\nfor s in (sys.stdin, sys.stdout, sys.stderr):\n    print(s.name, s.mode, s.encoding, s.errors, "
    "s.line_buffering, s.write_through, type(s.buffer).__name__, s.newlines, s.isatty(), s.fileno())",
    "original_streams": "import sys; print(sys.stdin is sys.__stdin__, sys.stdout is sys.__stdout__, sys.stderr is sys.__stderr__)",
    "environment": "import os; print(sorted(os.environ.items()))",
    "environment_of_c": "import subprocess; print(subprocess.run(['/usr/bin/env'], capture_output=True, text=True).stdout)",
    "folders": "import os; print(os.getcwd(), sorted(os.listdir('/')), sorted(os.listdir('/etc')), os.listdir('/tmp'))",
    "identity": "import os, pwd; print(os.getresuid(), os.getresgid(), os.getgroups(), pwd.getpwuid(os.getuid()), os.getpid(), "
    "os.getppid(), os.getpgrp(), os.getsid(0), os.uname().nodename)",
    "limits": "import resource as r; print([(n, r.getrlimit(getattr(r, n))) for n in dir(r) if n.startswith('RLIMIT_')])",
    "signals": "import signal; print([(s, signal.getsignal(s)) for s in sorted(signal.valid_signals()) "
    "if signal.getsignal(s) != signal.SIG_DFL])",
    "status": "print([l for l in open('/proc/self/status') if l.split(':')[0] in "
    "{'Umask', 'NSpid', 'CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb', 'NoNewPrivs', 'Seccomp', 'SigBlk', 'SigIgn', "
    "'Cpus_allowed', 'Groups', 'Threads', 'Uid', 'Gid'}])",
    "cgroup": "print(open('/proc/self/cgroup').read())",
    "network": "print([l.split(':')[0].strip() for l in open('/proc/net/dev')][2:])",
    "descriptors": "import os; print([n for n in sorted(os.listdir('/proc/self/fd'), key=int)][:5])",
    "writable": "import os\nfor p in ('/', '/usr', '/etc', '/dev', '/proc/self/comm', '/work', '/tmp', '/dev/shm', '/etc/hosts'):\n"
    "    print(p, os.access(p, os.W_OK))",
    "disks": "import os\nfor p in ('/work', '/tmp', '/dev/shm'):\n"
    "    s = os.statvfs(p); print(p, s.f_blocks * s.f_frsize, oct(os.stat(p).st_mode), os.stat(p).st_uid)",
    "collector": "import gc; print(gc.isenabled(), gc.get_threshold(), gc.get_debug())",
    "recursion": "import sys; print(sys.getrecursionlimit(), sys.getswitchinterval())",
    "child_interpreter": "import subprocess, sys\n"
    "print(subprocess.run([sys.executable, '-c', 'import sys; print(sys.argv, sys.flags)'], capture_output=True, text=True))",
}


@pytest.fixture(scope="module")
def boxes() -> Iterator[WarmBoxes]:
    made = little_boxes()
    yield made
    made.close()


@pytest.mark.parametrize("name", ENDINGS)
def test_a_program_ends_as_it_would_cold(boxes, name):
    argv, stdin = ["-c", ENDINGS[name]], b"a b\xff\nc"
    assert boxes.warm(argv, stdin).seen == boxes.cold(argv, stdin).seen


@pytest.mark.parametrize("name", VIEWS)
def test_a_program_sees_what_it_would_cold(boxes, name):
    argv = ["-c", VIEWS[name], "one", "two words"]
    values = {
        "env": {"MINE": "x", "PYTHONPATH": "/work/lib:/opt/x"},
        "hostname": "ship",
        "cpu_s": 7.5,
        "open_files": 99,
    }
    warm, cold = boxes.warm(argv, **values), boxes.cold(argv, **values)
    assert warm.seen == cold.seen
    assert cold.outcome.exit_code == 0, cold.err


@pytest.mark.parametrize("name", ["error", "syntax_error", "exit_words", "runs_off_the_end", "chained_error"])
@pytest.mark.parametrize("safe_path", [[], ["-P"]], ids=["plain", "safe_path"])
@pytest.mark.parametrize("form", ["module", "file", "absolute_file"])
def test_a_file_ends_as_it_would_cold(boxes, form, safe_path, name):
    files = {"lib/prog.py": ENDINGS[name].encode()}
    program = {"module": ["-m", "prog"], "file": ["lib/prog.py"], "absolute_file": ["/work/lib/prog.py"]}[form]
    argv, values = [*safe_path, *program, "arg"], {"files": files, "env": {"PYTHONPATH": "/work/lib"}}
    assert boxes.warm(argv, **values).seen == boxes.cold(argv, **values).seen


@pytest.mark.parametrize("name", ["arguments", "path", "flags", "main", "builtins"])
@pytest.mark.parametrize("safe_path", [[], ["-P"]], ids=["plain", "safe_path"])
@pytest.mark.parametrize("form", ["module", "file"])
def test_a_file_sees_what_it_would_cold(boxes, form, safe_path, name):
    files = {"prog.py": VIEWS[name].encode() + b"\nprint(__file__, __name__, __spec__ and __spec__.name)"}
    argv = [*safe_path, *{"module": ["-m", "prog"], "file": ["prog.py"]}[form], "-x", "arg"]
    values = {"files": files, "env": {"PYTHONPATH": "/work", "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}}
    warm, cold = boxes.warm(argv, **values), boxes.cold(argv, **values)
    assert warm.seen == cold.seen
    assert cold.outcome.exit_code == 0, cold.err


def test_a_module_that_is_not_there_is_named(boxes):
    assert boxes.warm(["-m", "nothing_of_that_name"]).seen == boxes.cold(["-m", "nothing_of_that_name"]).seen


def test_an_open_file_is_written_at_the_end(boxes):
    code = (
        "import os\nout = open('/dev/fd/1', 'w')\nout.write('kept back')\nheld = [out]\n"
        "import types, sys; sys.modules['own'] = types.ModuleType('own'); sys.modules['own'].other = open('/dev/fd/2', 'w')\n"
        "sys.modules['own'].other.write('also kept')"
    )
    warm, cold = boxes.warm(["-W", "ignore", "-c", code][2:]), boxes.cold(["-c", code])
    assert warm.seen == cold.seen
    assert (warm.out, warm.err) == ("kept back", "also kept")


def test_files_and_streams_reach_the_program(boxes):
    files = {"data/in.bin": bytes(range(256)) * 5000, "/tmp/seen.txt": b"seen"}
    code = (
        "import os, socket\nprint(len(open('data/in.bin', 'rb').read()), open('/tmp/seen.txt').read(),"
        " oct(os.stat('data/in.bin').st_mode), os.stat('data').st_uid, flush=True)\n"
        "socket.socket(fileno=3).sendall(b'hello')"
    )
    process = boxes.start(["-c", code], files=files)
    try:
        assert process.stdout.read() == b"1280000 seen 0o100644 10001\n"
        assert process.control.recv(5) == b"hello"
        assert process.wait().exit_code == 0
    finally:
        process.close()


def test_a_mount_is_there_and_read_only(boxes, tmp_path):
    from sandbox import Mount

    (tmp_path / "a.txt").write_text("from the host")
    (tmp_path / "a.txt").chmod(0o666)
    tmp_path.chmod(0o777)
    mounts = (*boxes.mounts, Mount(source=tmp_path, target="/assets/one"))
    code = (
        "print(open('/assets/one/a.txt').read())\n"
        "try: open('/assets/one/a.txt', 'w')\nexcept OSError as e: print(e.strerror)\n"
        "try: open('/assets/one/b.txt', 'w')\nexcept OSError as e: print(e.strerror)"
    )
    for _ in range(2):  # each box needs a mount of its own
        assert boxes.warm(["-c", code], mounts=mounts).out == "from the host\n" + 2 * "Read-only file system\n"


def test_what_an_interpreter_of_ones_own_gets_is_multiprocessing_too(boxes):
    code = (
        "import multiprocessing as mp\n\ndef double(x):\n    return 2 * x\n\nif __name__ == '__main__':\n"
        "    for how in ('fork', 'spawn'):\n        with mp.get_context(how).Pool(2) as pool:\n"
        "            print(how, pool.map(double, range(4)))\n"
    )
    ended = boxes.warm(["work.py"], files={"work.py": code.encode()}, memory_bytes=1 << 30)
    assert ended.out == "fork [0, 2, 4, 6]\nspawn [0, 2, 4, 6]\n", ended.err
