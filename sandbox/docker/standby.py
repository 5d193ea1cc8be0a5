"""An interpreter that imports a stack, waits, and then becomes one program: `python -m sandbox.docker.standby <JSON>`.

Runs inside a container, on the laboratory's interpreter; its one argument lists the imports, descriptor 3 is the
shim's. Nothing of a learner is here before the order comes, and nothing outlives the program.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import socket
import sys
import time
from typing import Any, NoReturn

from sandbox.warm.inside import learner
from sandbox.warm.inside.renew import ExitHandlers, renew

SHIM_FD = 3
_LENGTH_BYTES = 8
_STREAMS = 4


def main() -> NoReturn:
    """Import, say so, become what the shim orders."""
    ours = {*os.environ.get("PYTHONPATH", "").split(os.pathsep), os.getcwd(), ""}  # noqa: PTH109
    base_path = [folder for folder in sys.path if folder not in ours]
    handlers = ExitHandlers()
    with handlers:
        for name in json.loads(sys.argv[1]):
            _import(name)
    inherited = frozenset(sys.modules)
    shim = socket.socket(fileno=SHIM_FD)
    shim.sendall(b"r")
    order, streams = _receive(shim)
    shim.detach()
    for number, fd in enumerate(streams):
        os.dup2(fd, number, inheritable=True)  # the last one over the shim's
        os.close(fd)
    os.chdir("/work")
    _limit(order)
    renew(order["warm"], base_path, handlers)
    learner.run(order["warm"]["program"], inherited)


def _import(name: str) -> None:
    """A module, or module:name for what its package loads when it is first asked for."""
    module, _, attribute = name.partition(":")
    loaded = importlib.import_module(module)
    if attribute:
        getattr(loaded, attribute)


def _receive(shim: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """The shim sends it whole before anything runs, or is gone: then the container is ending."""
    length, fds, _, _ = socket.recv_fds(shim, _LENGTH_BYTES, _STREAMS)
    if len(fds) != _STREAMS:
        os._exit(1)
    with shim.makefile("rb") as file:
        return json.loads(file.read(int.from_bytes(length, "big"))), fds


def _limit(order: dict[str, Any]) -> None:
    """The shim set what it could when we began; what the imports took is not the program's."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (order["open_files"],) * 2)
    if order["cpu_s"] is not None:
        resource.setrlimit(resource.RLIMIT_CPU, (order["cpu_s"] + int(time.process_time()) + 1,) * 2)


if __name__ == "__main__":
    main()
