"""`manage.py up`: starts fast, says clearly why it cannot, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.site_process import ROOT, Site, free_port

pytestmark = pytest.mark.box


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    site.start()
    yield site
    if site.process is not None and site.process.poll() is None:
        site.stop(signal.SIGTERM)


def wait_until_gone(site: Site, seconds: float = 15) -> list[int]:
    deadline = time.monotonic() + seconds
    while site.descendants() and time.monotonic() < deadline:
        time.sleep(0.1)
    return site.descendants()


def part(site: Site, word: str) -> psutil.Process:
    assert site.process is not None
    tree = psutil.Process(site.process.pid).children(recursive=True)
    return next(p for p in tree if word in " ".join(p.cmdline()))


def test_it_prints_sign_ins_once_and_keeps_them_private(site: Site) -> None:
    passwords = site.accounts()
    assert set(passwords) == {"admin", "instructor", "learner"}
    assert all(len(p) >= 12 for p in passwords.values())
    assert stat.S_IMODE((site.state / "demo_accounts.txt").stat().st_mode) == 0o600
    assert stat.S_IMODE((site.state / "secret_key").stat().st_mode) == 0o600
    assert passwords["learner"] in wait_for_banner(site, 1)
    site.stop()
    site.start()
    assert wait_for_banner(site, 2).count(passwords["learner"]) == 1
    assert site.accounts() == passwords


def wait_for_banner(site: Site, times: int) -> str:
    deadline = time.monotonic() + 10
    while site.output().count("Rank Zero is up") < times and time.monotonic() < deadline:
        time.sleep(0.1)
    return site.output()


@pytest.mark.alone
def test_it_stops_cleanly_on_ctrl_c_and_starts_again_in_under_five_seconds(site: Site) -> None:
    assert site.stop(signal.SIGINT) == 0
    assert wait_until_gone(site) == []
    assert "Traceback" not in site.output(), site.output()
    assert site.start() < 5


def test_it_starts_every_part_again_that_died(site: Site) -> None:
    words = ["valkey-server", "sandbox.boxd", "uvicorn", "worker", "beat"]
    for died, word in enumerate(words, 1):
        dead = part(site, word)
        dead.kill()
        dead.wait(10)
        deadline = time.monotonic() + 30
        while not (is_back(site, word) and site.answers("/readyz")):
            assert time.monotonic() < deadline, site.output()
            time.sleep(0.1)
        told = site.output().count("ended (SIGKILL); it is started again, try 1 of 4 within a minute")
        assert told == died, site.output()
    assert site.stop(signal.SIGTERM) == 0
    assert wait_until_gone(site) == []


def is_back(site: Site, word: str) -> bool:
    try:
        return part(site, word).is_running()
    except (StopIteration, psutil.NoSuchProcess):
        return False


def test_it_gives_up_when_a_part_dies_again_and_again(tmp_path: Path) -> None:
    """A folder where Valkey's file should be."""
    (tmp_path / "valkey" / "appendonlydir").mkdir(parents=True)
    (tmp_path / "valkey" / "appendonlydir" / "appendonly.aof.manifest").mkdir()
    done = up(tmp_path, free_port())
    assert done.returncode == 1
    assert "valkey ended (exit code 1) 5 times within 60 s: giving up. Its lines say why." in done.stdout
    assert wait_until_gone(Site(tmp_path)) == []


def test_it_leaves_nothing_when_the_supervisor_is_killed(site: Site) -> None:
    site.stop(signal.SIGKILL)
    assert wait_until_gone(site) == []
    site.start()


def up(state: Path, port: int, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "up", "--port", str(port)],
        cwd=ROOT, env={**os.environ, "RANKZERO_STATE": str(state), **env},
        capture_output=True, text=True, timeout=150, check=False,
    )  # fmt: skip


def test_it_refuses_a_busy_port_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = up(tmp_path, port)
    assert done.returncode == 2
    assert f"Port {port} is in use" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_it_refuses_a_second_start_on_the_same_state(site: Site) -> None:
    done = up(site.state, free_port())
    assert done.returncode == 2
    assert "already running" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_it_serves_lessons_and_prints_the_fix_where_user_namespaces_are_blocked(tmp_path: Path) -> None:
    """The kernel's own switch, turned off inside a namespace of the test's."""
    site = Site(tmp_path)
    blocked = "echo 0 > /proc/sys/user/max_user_namespaces && exec"
    site.command = ["unshare", "--user", "--map-root-user", "sh", "-c", f'{blocked} "$@"', "sh", *site.command]
    site.start()
    try:
        assert "sysctl -w user.max_user_namespaces" in wait_for_banner(site, 1)
        assert site.answers("/lessons/09_ab_testing/")
        assert "worker started" not in site.output()
    finally:
        site.stop(signal.SIGTERM)


def test_it_refuses_a_full_disk_in_one_line(tmp_path: Path) -> None:
    """A state folder of two megabytes, in a mount namespace of the test's."""
    site = Site(tmp_path)
    mount = f"mount -t tmpfs -o size=2m none {tmp_path} && exec"
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", f'{mount} "$@"', "sh", *site.command],
        cwd=ROOT,
        env=site.env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "The disk is full" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_it_refuses_a_state_folder_that_cannot_be_written(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    done = up(blocked, free_port())
    assert done.returncode != 0
    assert len(done.stderr.strip().splitlines()) == 1
    assert str(blocked) in done.stderr
