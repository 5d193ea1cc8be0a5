"""The client's side: a backend whose boxes, pods and leases boxd owns."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Sequence
from typing import Any

from sandbox.backend import LimitCheck, Pod
from sandbox.boxd import wire
from sandbox.boxd.link import ask, request
from sandbox.boxd.remote import NOTHING_USED, RemoteRun
from sandbox.errors import BoxStartError
from sandbox.spec import BoxSpec, Usage
from sandbox.streams import RunningProcess, Streams

_GOODBYE_S = 10.0


class BoxdBackend:
    """Boxes of the boxd that listens at `path`, made by its backend `name`."""

    def __init__(self, path: str, name: str = "bubblewrap") -> None:
        """Raises SandboxUnavailable if boxd does not answer, or has no such backend."""
        self.name = name
        self._path = path
        self.check()

    def prepare(self, spec: BoxSpec, *, pod: Pod | None = None) -> BoxdBox:
        """The spec is checked against the machine when the box starts."""
        if pod is not None and not (isinstance(pod, BoxdPod) and pod.backend == self.name):
            raise BoxStartError(f"{pod.name} is not a pod that {self.name} opened through boxd")
        return BoxdBox(self._path, self.name, spec, None if pod is None else pod.name)

    def open_pod(self) -> BoxdPod:
        """Raises BoxStartError."""
        return BoxdPod(self._path, self.name)

    def lease(self, *, cores: int = 0, gpus: int = 0, wait_s: float | None = None) -> BoxdLease:
        """Cores and GPUs of the machine for the caller alone; also given back if this process dies.

        Raises ValueError for what the machine can never give, TimeoutError.
        """
        return BoxdLease(self._path, cores=cores, gpus=gpus, wait_s=wait_s)

    def has_room(self) -> bool:
        """Whether a box that names no cores would start now: not while others have all cores, or are about to."""
        status = boxd_status(self._path)
        cores = status["cores"]
        wanted = (lease["wanted_cores"] for lease in status["leases"] if lease["waiting"])
        return bool(cores["shared"]) and all(many < len(cores["all"]) for many in wanted)

    def check(self) -> list[LimitCheck]:
        return [LimitCheck(**check) for check in ask(self._path, {"op": "check", "backend": self.name})["checks"]]


class BoxdBox:
    """One box of boxd; its connection is its lifeline."""

    def __init__(self, path: str, backend: str, spec: BoxSpec, pod: str | None) -> None:
        self._path = path
        self._backend = backend
        self._spec = spec
        self._pod = pod
        self._used = False
        self._run: RemoteRun | None = None

    def start(self, argv: Sequence[str]) -> RunningProcess:
        """Hand the streams' far ends to boxd, which starts the program on them."""
        if self._used:
            raise RuntimeError("a box is used once: prepare another")
        self._used = True
        streams = Streams()
        try:
            self._run = RemoteRun(self._request(argv, streams.theirs))
        except BaseException:
            streams.close_ours()
            raise
        finally:
            streams.close_theirs()
        return RunningProcess(streams, self._run)

    def usage(self) -> Usage:
        return NOTHING_USED if self._run is None else self._run.usage()

    def kill(self) -> None:
        if self._run is not None:
            self._run.kill()

    def freeze(self) -> None:
        if self._run is not None:
            self._run.freeze()

    def thaw(self) -> None:
        if self._run is not None:
            self._run.thaw()

    def pids(self) -> list[int]:
        return [] if self._run is None else self._run.pids()

    def _request(self, argv: Sequence[str], fds: Sequence[int]) -> socket.socket:
        plain, payload = wire.spec_to_wire(self._spec)
        header = {"op": "run", "backend": self._backend, "pod": self._pod, "argv": list(argv), "spec": plain}
        sock, _ = request(self._path, header, payload, fds=fds)
        return sock


class _Held:
    """Something of boxd's that lasts as long as a connection."""

    def __init__(self, path: str, header: dict[str, Any]) -> None:
        self._sock, self._answer = request(path, header)
        self._lock = threading.Lock()

    def _let_go(self) -> None:
        """Returns once boxd has taken it back. Safe to call twice."""
        with self._lock, contextlib.suppress(OSError):  # boxd may be gone, and what we had with it
            if self._sock.fileno() >= 0:
                self._sock.settimeout(_GOODBYE_S)
                self._sock.shutdown(socket.SHUT_WR)
                self._sock.recv(1)
        self._sock.close()


class BoxdPod(_Held):
    """A pod of boxd."""

    def __init__(self, path: str, backend: str) -> None:
        super().__init__(path, {"op": "pod", "backend": backend})
        self.backend = backend
        self.name: str = self._answer["name"]

    def close(self) -> None:
        """End the pod and its boxes."""
        self._let_go()

    def __enter__(self) -> BoxdPod:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class BoxdLease(_Held):
    """Cores and GPUs of the machine that boxd keeps free of other boxes."""

    def __init__(self, path: str, *, cores: int, gpus: int, wait_s: float | None) -> None:
        super().__init__(path, {"op": "lease", "cores": cores, "gpus": gpus, "wait_s": wait_s})
        self.cores: tuple[int, ...] = tuple(self._answer["cores"])
        self.gpus: tuple[int, ...] = tuple(self._answer["gpus"])

    def release(self) -> None:
        """Give them back."""
        self._let_go()

    def __enter__(self) -> BoxdLease:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def boxd_status(path: str, *, answer_s: float = 60.0) -> dict[str, Any]:
    """What the boxd at `path` runs, keeps warm and has leased, as JSON values. Raises SandboxUnavailable."""
    status: dict[str, Any] = ask(path, {"op": "status"}, answer_s=answer_s)["status"]
    return status
