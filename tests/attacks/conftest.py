"""Real boxes for attacks, in every world (worlds.py), and what a test may leave behind: nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from sandbox import Backend
from sandbox.bubblewrap import BubblewrapBackend
from tests.attacks.program import Said, World
from tests.attacks.worlds import Boxes, leaves_nothing, open_world

Run = Callable[..., Said]
# The helpers that a world keeps make their own descriptors, processes and groups when they like: a world is opened when
# those before it have had their turn, so that what is counted is a box's.
_ORDER = ("docker_warm", "docker", "warm")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """World after world; within each the order stays random."""
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    name = item.nodeid.removeprefix("tests/attacks/")
    return next((len(_ORDER) - place for place, word in enumerate(_ORDER) if word in name), 0)


class Worlds:
    """Opens each world once; one that cannot be had skips or fails every test that asks for it."""

    def __init__(self) -> None:
        self._opened: dict[World, Boxes | BaseException] = {}

    def get(self, world: World) -> Boxes:
        if world.startswith("docker"):
            self._close_own()
        if world not in self._opened:
            try:
                self._opened[world] = open_world(world)
            except (pytest.skip.Exception, pytest.fail.Exception) as why:
                self._opened[world] = why
        opened = self._opened[world]
        if isinstance(opened, BaseException):
            raise opened
        return opened

    def close(self) -> None:
        for opened in self._opened.values():
            _close(opened)

    def _close_own(self) -> None:
        """Those of bubblewrap: their tests are over."""
        for world in [world for world in self._opened if not world.startswith("docker")]:
            _close(self._opened.pop(world))


def _close(opened: Boxes | BaseException) -> None:
    close = getattr(getattr(opened, "backend", None), "close", None)
    if close is not None:
        close()


@pytest.fixture(scope="session")
def worlds() -> Iterator[Worlds]:
    opened = Worlds()
    yield opened
    opened.close()


@pytest.fixture(params=["bubblewrap", "warm", "docker"])
def world(request, worlds) -> Boxes:
    """Each of the worlds; tests of limits ask for "watchdog" as well."""
    return worlds.get(request.param)


@pytest.fixture
def run(world) -> Run:
    """Run Python code in a box of this world."""
    return world.code


@pytest.fixture(scope="session")
def backend() -> Backend:
    """Bubblewrap, with the strongest bookkeeping that this machine offers."""
    return BubblewrapBackend.open()


@pytest.fixture(scope="session", params=["auto", "proc"])
def any_backend(request) -> Backend:
    """Bubblewrap twice: with cgroups, if there are any, and with the watchdog alone."""
    return BubblewrapBackend.open(request.param)


@pytest.fixture
def nothing_left(request) -> Iterator[None]:
    """Fails the test if it leaves a descriptor, a thread, a process, a cgroup or a mount."""
    for name in {"world", "any_backend", "backend"} & set(request.fixturenames):
        request.getfixturevalue(name)  # opened before the count: a backend keeps helpers of its own
    world = request.getfixturevalue("world") if "world" in request.fixturenames else None
    with leaves_nothing() if world is None else world.leave_nothing():
        yield
