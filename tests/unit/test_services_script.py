"""The script that starts a private PostgreSQL and Redis."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import services
from scripts.services import ServiceError


def installed() -> bool:
    try:
        return all(services.program(name) for name in ("initdb", "postgres", "redis-server"))
    except ServiceError:
        return False


def script(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, services.__file__, *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=90, env={**os.environ, **env})


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)


@pytest.mark.usefixtures("nothing_installed")
def test_without_them_a_run_is_left_out_unless_it_is_required(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("RANKZERO_REQUIRE_POSTGRES", raising=False)
    assert services.run(["false"]) == 0
    assert "left out" in capsys.readouterr().err
    monkeypatch.setenv("RANKZERO_REQUIRE_POSTGRES", "1")
    assert services.run(["true"]) == 1
    assert "apt-get install" in capsys.readouterr().err


def test_a_process_that_only_has_the_number_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pid").write_text(f"{os.getpid()}\n")
    assert services.pid_of(tmp_path / "pid", "postgres") is None
    own = Path("/proc/self/comm").read_text().strip()
    assert services.pid_of(tmp_path / "pid", own) == os.getpid()


@pytest.mark.skipif(not installed(), reason="PostgreSQL and Redis are not installed")
def test_a_run_that_is_terminated_leaves_nothing() -> None:
    code = "import os, time; print(os.environ['RANKZERO_REDIS_URL'], flush=True); time.sleep(600)"
    argv = [sys.executable, services.__file__, "run", "--", sys.executable, "-c", code]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        folder = process.stdout.readline().strip().removeprefix("unix://").removesuffix("/redis.sock")
        assert folder in processes()
        process.terminate()
        assert process.wait(60) == 143
    assert folder not in processes()
    assert not Path(folder).exists()


def processes() -> str:
    return subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(not installed(), reason="PostgreSQL and Redis are not installed")
def test_it_starts_both_hands_their_addresses_on_and_ends_both(tmp_path: Path) -> None:
    code = (
        "import os, psycopg, redis\n"
        "from webapp.config import env\n"
        "from pathlib import Path\n"
        "found = env.database(Path('.'))\n"
        "with psycopg.connect(host=found['HOST'], user=found['USER'], password=found['PASSWORD'], dbname='rankzero'):\n"
        "    print(found['HOST'], redis.Redis.from_url(os.environ['RANKZERO_REDIS_URL']).ping())\n"
        "raise SystemExit(7)"
    )
    done = script("run", "--", sys.executable, "-c", code, PYTHONPATH=str(Path(services.__file__).parents[1]))
    folder, _, answer = done.stdout.strip().rpartition("\n")[2].partition(" ")
    assert (done.returncode, answer) == (7, "True"), done.stderr
    assert not Path(folder).exists()
    assert folder not in processes()
