"""The worlds in which cheats run: each a boxd of this session's own, as on a server, with one kind of boxes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from grader.judge_start import READY
from sandbox.boxd.private import private_boxd
from tests.cheats.cheat import World
from tests.docker_engine import docker_or_skip


class Boxds:
    """Starts each when it is first asked for."""

    def __init__(self, until: contextlib.ExitStack) -> None:
        self._until = until
        self._paths: dict[World, str] = {}

    def path(self, world: World) -> str:
        """Its socket. Skips the test, or fails it where Docker is required, if there is no engine."""
        if world == "docker":
            docker_or_skip()
        if world not in self._paths:
            self._paths[world] = self._until.enter_context(private_boxd(world))
        return self._paths[world]


@pytest.fixture(scope="session", autouse=True)
def ready_judge() -> Iterator[None]:
    """The next judge does its imports beside the run before it, as on a server."""
    with READY.kept():
        yield


@pytest.fixture(scope="session")
def boxds() -> Iterator[Boxds]:
    with contextlib.ExitStack() as until:
        yield Boxds(until)


@pytest.fixture
def world(request, boxds, monkeypatch) -> World:
    """Parametrised by the tests that use it; the judge finds that world's boxd."""
    monkeypatch.setenv("RANKZERO_BOXD", boxds.path(request.param))
    return request.param
