"""The reaper goes on, whatever the engine answers: a dead one would hold everybody who settles for ever."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from sandbox.docker.folder import BoxFolder
from sandbox.docker.reaper import Reaper


class Engine:
    """Stands where an engine that misbehaves would: one that does so at will cannot be had."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.removed: list[str] = []

    def remove(self, container: str) -> None:
        self.removed.append(container)
        if self.error is not None and container == "bad":
            raise self.error


@pytest.fixture
def reapers() -> Iterator[list[Reaper]]:
    made: list[Reaper] = []
    yield made
    for reaper in made:
        reaper.close()


def reaper_of(engine: Engine, reapers: list[Reaper]) -> Reaper:
    reapers.append(Reaper(engine))  # type: ignore[arg-type]  # as above
    return reapers[-1]


def ends(action: object, within_s: float = 10.0) -> bool:
    thread = threading.Thread(target=action, daemon=True)  # type: ignore[arg-type]
    thread.start()
    thread.join(within_s)
    return not thread.is_alive()


@pytest.mark.parametrize("error", [None, OSError("gone"), RuntimeError("a surprise")])
def test_after_an_answer_of_any_kind_the_next_is_removed(reapers, error):
    engine = Engine(error)
    reaper = reaper_of(engine, reapers)
    folders = [BoxFolder(), BoxFolder()]
    reaper.bury("bad", folders[0])
    reaper.bury("good", folders[1])
    assert ends(reaper.settle)
    assert engine.removed == ["bad", "good"]
    assert not any(folder.path.exists() for folder in folders)


def test_once_closed_nobody_waits_and_folders_still_go(reapers):
    engine = Engine()
    reaper = reaper_of(engine, reapers)
    reaper.close()
    late = BoxFolder()
    reaper.bury("late", late)
    assert ends(reaper.settle)
    assert ends(reaper.close)
    assert engine.removed == [], "left to the next sweep"
    assert not late.path.exists()
