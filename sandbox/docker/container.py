"""A container whose shim has come to us and waits for its program."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.docker.account import DockerAccount, open_account
from sandbox.docker.config import box_config, holder_config
from sandbox.docker.engine import Engine, Remote
from sandbox.docker.folder import BoxFolder, remove_owned
from sandbox.docker.reaper import Reaper
from sandbox.docker.request import WARM, Request, send_warm
from sandbox.docker.runtime import chosen_runtime
from sandbox.errors import BoxStartError
from sandbox.spec import BoxSpec, UsageSource

_SHIM_S = 30.0
_LOOK_S = 0.5
_IMPORT_S = 120.0
_IMPORT_LOOK_S = 0.05
_LONGEST_ANSWER = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """Whoever has it calls `discard` in the end."""

    id: str
    folder: BoxFolder
    channel: socket.socket
    pid: int
    account: DockerAccount
    engine: Engine
    reaper: Reaper

    @property
    def name(self) -> str:
        return self.id[:12]

    def discard(self) -> None:
        """End it, if it lives, and have it removed. Safe to call twice."""
        self.channel.close()
        self.reaper.bury(self.id, self.folder)

    def waits(self) -> bool:
        """Whether its shim is there and has nothing to say: one that speaks unasked, or hung up, is of no use."""
        poller = select.poll()
        poller.register(self.channel, select.POLLIN)
        return not poller.poll(0)

    def warm_up(self, request: Request, give_up: Callable[[], bool]) -> None:
        """Start a standby and wait until it has imported. Raises BoxStartError, also once `give_up` says so."""
        deadline = time.monotonic() + _IMPORT_S
        try:
            send_warm(self.channel, request)
            while self.waits():
                if give_up() or time.monotonic() > deadline:
                    raise BoxStartError(f"no standby got ready within {_IMPORT_S:g} s, or it is not wanted any more")
                time.sleep(_IMPORT_LOOK_S)
            answer = self.channel.recv(_LONGEST_ANSWER)
        except OSError as error:
            raise BoxStartError(f"a standby did not get ready: {error}") from error
        if answer != WARM:
            raise BoxStartError(f"a standby did not get ready: {answer.decode(errors='replace').strip()}")


class Maker:
    """Makes containers on one engine."""

    def __init__(self, engine: Engine, *, image: str, python: Path) -> None:
        self._engine = engine
        self._image = image
        self._python = python
        self._reaper = Reaper(engine)
        self.source: UsageSource = "proc"  # until the first container shows what there is

    def make(self, spec: BoxSpec, network: str, *, nests: bool = False) -> Container:
        """A container for one box, or (`nests`) for the template of many. Raises BoxStartError."""
        folder = BoxFolder()
        try:
            config = box_config(
                spec, image=self._image, python=self._python, folder=folder, network=network, nests=nests
            )
            container = self._create(config, folder)
        except BaseException:
            folder.remove()
            raise
        try:
            runtime = chosen_runtime()
            if spec.pids + runtime.pids < runtime.pids_at_start:
                self._engine.limit_pids(container.id, spec.pids + runtime.pids)
        except BaseException:
            container.discard()
            raise
        return container

    def hold_network(self) -> Container:
        """A container that does nothing. Raises BoxStartError."""
        folder = BoxFolder()
        try:
            return self._create(holder_config(image=self._image, python=self._python, folder=folder), folder)
        except BaseException:
            folder.remove()
            raise

    def settle(self) -> None:
        """Block until everything is removed that was discarded."""
        self._reaper.settle()

    def close(self) -> None:
        """Settle for good. Safe to call twice."""
        self._reaper.close()
        remove_owned()

    def _create(self, config: Mapping[str, Any], folder: BoxFolder) -> Container:
        container = self._engine.create(config)
        try:
            self._engine.start(container)
            channel, pid = self._meet(container, folder)
            with contextlib.ExitStack() as undo:
                undo.callback(channel.close)
                account = open_account(pid, container, Remote(self._engine, container))
                undo.pop_all()
        except BaseException:
            # A failed start leaves it in state `created`.
            self._engine.remove(container)
            raise
        self.source = account.source
        return Container(
            id=container,
            folder=folder,
            channel=channel,
            pid=pid,
            account=account,
            engine=self._engine,
            reaper=self._reaper,
        )

    def _meet(self, container: str, folder: BoxFolder) -> tuple[socket.socket, int]:
        """Wait for the shim."""
        deadline = time.monotonic() + _SHIM_S
        while (met := folder.accept(_LOOK_S)) is None:
            state = self._engine.state(container)
            if not state.get("Running"):
                raise BoxStartError(f"the box's first process ended before it began: {_why(state)}")
            if time.monotonic() > deadline:
                raise BoxStartError(f"the box's first process did not answer within {_SHIM_S:g} s")
        return met


def _why(state: Mapping[str, Any]) -> str:
    if state.get("OOMKilled"):
        return "it had too little memory"
    return state.get("Error") or f"exit code {state.get('ExitCode')}"
