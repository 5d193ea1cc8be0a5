"""The Docker engine, as far as boxes need it: a thin, typed layer over docker-py."""

from __future__ import annotations

import contextlib
import io
import os
import socket
from collections.abc import Iterator, Mapping
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException, NotFound

from sandbox.errors import BoxStartError, SandboxUnavailable

OWNER_LABEL = "rankzero.owner"
_OLDEST_API = (1, 41)  # engine 20.10: the first with private cgroup namespaces
_TIMEOUT_S = 60
_CONFLICT = 409  # already dead, or being removed by somebody else
_USUAL = "unix:///var/run/docker.sock"
_START = "start the engine (`systemctl start docker`), or point DOCKER_HOST at one that you may use"


class Engine:
    """One engine. Every method may be called from any thread."""

    def __init__(self, api: docker.APIClient) -> None:
        self._api: Any = api  # its types are half there

    @classmethod
    def connect(cls) -> Engine:
        """The engine that DOCKER_HOST names, else the machine's own. Raises SandboxUnavailable."""
        host = os.environ.get("DOCKER_HOST") or None
        if host is not None and not host.startswith("unix://"):
            raise SandboxUnavailable(
                f"DOCKER_HOST is {host}, but boxes need the engine of this machine: set it to unix:///path"
            )
        try:
            _knock((host or _USUAL).removeprefix("unix://"))
            api = docker.APIClient(base_url=host, version="auto", timeout=_TIMEOUT_S)
        except OSError as error:
            raise SandboxUnavailable(
                f"no Docker engine answers at {host or _USUAL} ({error.strerror or error}): {_START}"
            ) from error
        except DockerException as error:
            raise SandboxUnavailable(f"the Docker engine at {host or _USUAL} does not serve us: {error}") from error
        engine = cls(api)
        try:
            engine.require_version()
        except BaseException:
            engine.close()
            raise
        return engine

    def require_version(self) -> None:
        """Raises SandboxUnavailable for an engine that is too old."""
        version = tuple(int(part) for part in self._api.api_version.split("."))
        if version < _OLDEST_API:
            raise SandboxUnavailable(
                f"the Docker engine speaks API {self._api.api_version}: install engine 20.10 or newer"
            )

    def version(self) -> str:
        return str(self._api.version()["Version"])

    def has_image(self, name: str) -> bool:
        try:
            self._api.inspect_image(name)
        except NotFound:
            return False
        return True

    def import_image(self, tar: bytes, repository: str, tag: str) -> None:
        """Make an image of one layer. Raises BoxStartError."""
        with _as_start_error("import the boxes' image"):
            self._api.import_image_from_data(io.BytesIO(tar), repository=repository, tag=tag)

    def create(self, config: Mapping[str, Any]) -> str:
        """Make a container; its id. Raises BoxStartError."""
        with _as_start_error("create a container"):
            return str(self._api.create_container_from_config(dict(config), None)["Id"])

    def start(self, container: str) -> None:
        """Raises BoxStartError, and then leaves the container in state `created`."""
        with _as_start_error("start a container"):
            self._api.start(container)

    def state(self, container: str) -> dict[str, Any]:
        """State as the engine sees it; {} once it is removed."""
        try:
            return dict(self._api.inspect_container(container)["State"])
        except NotFound:
            return {}

    def kill(self, container: str) -> None:
        """End its first process, and so all. Nothing happens to a dead one."""
        try:
            self._api.kill(container)
        except NotFound:
            return
        except APIError as error:
            if error.status_code != _CONFLICT:
                raise

    def remove(self, container: str) -> None:
        """Kill and remove; one that is gone, or going, is fine."""
        try:
            self._api.remove_container(container, force=True, v=True)
        except NotFound:
            return
        except APIError as error:
            if error.status_code != _CONFLICT:
                raise

    def limit_pids(self, container: str, pids: int) -> None:
        """Change the limit of a running container. Raises BoxStartError."""
        with _as_start_error("limit a container"):
            # docker-py's update_container has no such parameter.
            url = self._api._url("/containers/{0}/update", container)
            self._api._raise_for_status(self._api._post_json(url, data={"PidsLimit": pids}))

    def pause(self, container: str) -> None:
        """Freeze every process. Raises BoxStartError."""
        with _as_start_error("pause a container"):
            self._api.pause(container)

    def unpause(self, container: str) -> None:
        """Let them go on; a container that is gone, or was not paused, is fine."""
        with contextlib.suppress(APIError):
            self._api.unpause(container)

    def owned(self) -> Iterator[tuple[str, str]]:
        """Ids and owners of every box's container, in any state."""
        for entry in self._api.containers(all=True, filters={"label": OWNER_LABEL}):
            yield entry["Id"], entry["Labels"][OWNER_LABEL]

    def close(self) -> None:
        self._api.close()


@contextlib.contextmanager
def _as_start_error(what: str) -> Iterator[None]:
    try:
        yield
    except (DockerException, requests.RequestException) as error:
        raise BoxStartError(f"the Docker engine could not {what}: {_short(error)}") from error


def _knock(path: str) -> None:
    """Raises OSError in the system's own words, which docker-py wraps three times, leaving a socket open."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_TIMEOUT_S)
        probe.connect(path)


def _short(error: Exception) -> str:
    if isinstance(error, APIError) and error.explanation:
        return str(error.explanation)
    return str(error)


class Remote:
    """Freezes and ends a container through the engine: slower than by its cgroup, but open to all who may use it."""

    def __init__(self, engine: Engine, container: str) -> None:
        self._engine = engine
        self._container = container

    def freeze(self) -> None:
        self._engine.pause(self._container)

    def hold(self) -> None:
        """Nothing to do: the kernel holds it."""

    def thaw(self) -> None:
        self._engine.unpause(self._container)

    def kill(self) -> None:
        """A paused one, too: the engine lets it go on to its end."""
        self._engine.kill(self._container)
