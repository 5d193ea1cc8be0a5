"""Fixtures of the tests of boxd."""

from __future__ import annotations

import pytest

from sandbox.boxd.client import BoxdBackend
from tests.boxd_process import Running, boxd, client, lasting_boxd, mark, start_boxd
from tests.docker_engine import docker_or_skip

__all__ = ["boxd", "client", "lasting_boxd", "mark", "start_boxd"]


@pytest.fixture(params=["bubblewrap", "docker"])
def remote(request, boxd: Running) -> BoxdBackend:
    """Each backend through boxd."""
    if request.param == "docker":
        docker_or_skip()
    return BoxdBackend(boxd.path, request.param)
