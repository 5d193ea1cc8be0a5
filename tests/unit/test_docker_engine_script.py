"""The script that starts a private engine, with a stand-in for dockerd."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from scripts import docker_engine
from scripts.docker_engine import Engine, EngineError

STAND_IN = """#!{python}
import http.server, os, signal, socketserver, sys
flags = dict(zip(sys.argv, sys.argv[1:]))
if os.environ.get("STAND_IN") == "dies": sys.exit("no such storage driver")
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "2"); self.end_headers(); self.wfile.write(b"OK")
    def address_string(self): return "unix"
open(flags["-p"], "w").write(str(os.getpid()))
path = flags["-H"].removeprefix("unix://")
if os.path.exists(path): os.unlink(path)
socketserver.UnixStreamServer(path, Answer).serve_forever()
"""


@pytest.fixture
def folder(monkeypatch):
    """With a `dockerd` first on the PATH; sockets want short paths."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="rz") as path:
        program = Path(path, "bin", "dockerd")
        program.parent.mkdir()
        program.write_text(STAND_IN.format(python=sys.executable))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
        yield Path(path, "engine")
        Engine(Path(path, "engine")).stop()


def script(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A process of its own, as it is used: the engine outlives it."""
    argv = [sys.executable, docker_engine.__file__, command, "--dir", str(folder)]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)


def test_it_starts_once_and_stops_once(folder):
    assert script("start", folder).stdout == f"unix://{folder}/d.sock\n"
    pid = (folder / "pid").read_text()
    assert script("start", folder).stdout == f"unix://{folder}/d.sock\n"
    assert (folder / "pid").read_text() == pid
    assert Engine(folder).answers()
    for _ in range(2):
        assert script("stop", folder).returncode == 0
        assert not Engine(folder).answers()


def test_an_engine_that_does_not_start_shows_its_last_words(folder, monkeypatch):
    monkeypatch.setenv("STAND_IN", "dies")
    ended = script("start", folder)
    assert ended.returncode == 1
    assert "no such storage driver" in ended.stderr


def test_a_process_that_only_has_the_number_is_left_alone(folder):
    folder.mkdir()
    bystander = subprocess.Popen(["/bin/sleep", "60"])
    (folder / "pid").write_text(str(bystander.pid))
    Engine(folder).stop()
    time.sleep(0.05)
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


def test_without_dockerd_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(EngineError, match=r"docker\.io"):
        Engine(tmp_path).start()
