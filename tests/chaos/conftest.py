"""One site and one crowd for the whole suite: what an earlier disaster left would be seen by the next."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.chaos.arena import Arena
from tests.chaos.crowd import Crowd


@pytest.fixture(scope="session")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    site = Arena(tmp_path_factory.mktemp("state"))
    site.start()
    yield site
    code = site.stop(timeout_s=30)
    site.remove()
    assert code == 0, site.output()[-3000:]


@pytest.fixture(scope="session")
def crowd(arena: Arena) -> Iterator[Crowd]:
    crowd = arena.crowd()
    yield crowd
    crowd.close()


@pytest.fixture(scope="session")
def many() -> int:
    """How many submissions flow through each disaster."""
    return int(os.environ.get("RANKZERO_CHAOS_SUBMISSIONS", "60"))
