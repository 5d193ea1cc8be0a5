"""The Docker engine of this machine, if one answers."""

from __future__ import annotations

import os
from dataclasses import dataclass

from sandbox.backend import Backend
from sandbox.bench.contenders import OUR_DOCKER, Missing
from sandbox.errors import SandboxUnavailable
from sandbox.opening import Closing, open_here


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerHere:
    """Our backend, and what the plain client needs to run the same image on the same engine."""

    backend: Backend
    image: str
    version: str
    client_env: dict[str, str]

    def close(self) -> None:
        if isinstance(self.backend, Closing):
            self.backend.close()


def open_docker() -> DockerHere | Missing:
    try:
        backend = open_here("docker")
        # Only now: docker-py is there.
        from sandbox.docker.engine import Engine
        from sandbox.docker.image import ensure_image

        engine = Engine.connect()
        try:
            image, version = ensure_image(engine), engine.version()
        finally:
            engine.close()
    except SandboxUnavailable as error:
        return Missing(name=OUR_DOCKER, why=str(error))
    host = os.environ.get("DOCKER_HOST")
    return DockerHere(backend=backend, image=image, version=version, client_env={"DOCKER_HOST": host} if host else {})
