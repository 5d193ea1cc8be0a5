"""Things of the host for programs to go for. Each proves afterwards, from outside, that it was there and unharmed."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECRET_VARIABLE = "RANKZERO_ATTACK_SECRET"
_SECRET = "rz-host-" + "secret"


@contextmanager
def tcp() -> Iterator[str]:
    """A port on the host's 127.0.0.1."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield str(server.getsockname()[1])
        with socket.create_connection(server.getsockname(), timeout=5):
            pass


@contextmanager
def udp() -> Iterator[str]:
    """A datagram port on the host's 127.0.0.1, which must hear nothing but our own word."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        yield str(server.getsockname()[1])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outside:
            outside.sendto(b"from outside", server.getsockname())
        assert server.recv(100) == b"from outside", "a datagram came out of the box"


@contextmanager
def unix() -> Iterator[str]:
    """A socket in the host's /tmp, open to all, as a broker's or an engine's would be."""
    folder = Path(tempfile.mkdtemp(prefix="rz-attack-", dir="/tmp"))
    folder.chmod(0o755)
    path = str(folder / "s")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        Path(path).chmod(0o777)
        yield from _answering(server, path, path)
    shutil.rmtree(folder)


@contextmanager
def abstract() -> Iterator[str]:
    """An abstract socket of the host's; without its leading NUL."""
    name = f"rz-attack-{secrets.token_hex(4)}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(f"\0{name}")
        yield from _answering(server, f"\0{name}", name)


def _answering(server: socket.socket, address: str, argument: str) -> Iterator[str]:
    server.listen()
    yield argument
    with socket.socket(socket.AF_UNIX) as outside:
        outside.settimeout(5)
        outside.connect(address)


@contextmanager
def secret_file() -> Iterator[str]:
    """A file that anybody may read, in the folder where the interpreter's environment lies."""
    fd, name = tempfile.mkstemp(prefix="attack-secret-", dir=ROOT / "var")
    path = Path(name)
    try:
        os.write(fd, _SECRET.encode())
        path.chmod(0o666)
        yield name
        assert path.read_text() == _SECRET, "the host's file was changed"
    finally:
        os.close(fd)
        path.unlink()


@contextmanager
def process() -> Iterator[str]:
    """The pid of a process of the host's."""
    with subprocess.Popen(["/bin/sleep", "60"]) as sleeper:
        try:
            yield str(sleeper.pid)
            assert sleeper.poll() is None, "the host's process was ended"
        finally:
            sleeper.kill()


@contextmanager
def variable() -> Iterator[str]:
    """A secret in the environment of whoever starts boxes; told backwards: its argument is no leak."""
    secret = f"rz-{secrets.token_hex(8)}"
    os.environ[SECRET_VARIABLE] = secret
    try:
        yield secret[::-1]
    finally:
        del os.environ[SECRET_VARIABLE]


_KINDS: dict[str, Callable[[], object]] = {
    kind.__name__: kind for kind in (tcp, udp, unix, abstract, secret_file, process, variable)
}


@contextmanager
def raised(names: tuple[str, ...]) -> Iterator[list[str]]:
    """All targets of those names; yields the arguments for the program."""
    with ExitStack() as stack:
        yield [stack.enter_context(_KINDS[name]()) for name in names]
