"""The Docker backend for tests, or the reason why there is none here.

With $RANKZERO_REQUIRE_DOCKER=1 (the gate sets it) that reason is a failure: a gate must not pass by skipping.
"""

from __future__ import annotations

import functools
import os

import pytest

from sandbox import SandboxUnavailable
from sandbox.docker.backend import DockerBackend


@functools.cache
def docker_backend_or_reason() -> DockerBackend | str:
    """One backend a process, closed at its end."""
    try:
        return DockerBackend.open()
    except SandboxUnavailable as error:
        return f"{error} (`scripts/docker_engine.py start --dir D` starts a private engine)"


def docker_or_skip() -> DockerBackend:
    """The backend; else skips the test by name, or fails it where Docker is required."""
    backend = docker_backend_or_reason()
    if isinstance(backend, DockerBackend):
        return backend
    if os.environ.get("RANKZERO_REQUIRE_DOCKER") == "1":
        pytest.fail(f"RANKZERO_REQUIRE_DOCKER=1, but there is no Docker engine: {backend}")
    pytest.skip(f"DOCKER NOT TESTED: {backend}")
