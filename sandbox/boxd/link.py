"""The client's end of one connection to boxd."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any

from sandbox.boxd import wire
from sandbox.errors import FrameError, SandboxUnavailable
from sandbox.frames import recv_frame, send_frame

# boxd says every few seconds that a request waits; opening a backend for the first time takes seconds.
_ANSWER_S = 60.0


def request(
    path: str, header: dict[str, Any], payload: bytes = b"", *, fds: Sequence[int] = (), answer_s: float = _ANSWER_S
) -> tuple[socket.socket, dict[str, Any]]:
    """Ask boxd for something; its answer, and the open connection, which is the lifeline of what was given.

    Blocks while boxd says that the request waits. Raises SandboxUnavailable if boxd says nothing for `answer_s`
    seconds, or what `header` asks for may raise.
    """
    sock = _connect(path, answer_s)
    try:
        _open(sock, fds)
        send_frame(sock, header, payload, timeout_s=answer_s)
        answer = _answer(sock, path, answer_s)
        while answer["event"] == "waiting":
            answer = _answer(sock, path, answer_s)
        if answer["event"] == "refused":
            raise wire.to_error(answer)
    except BaseException:
        sock.close()
        raise
    return sock, answer


def ask(path: str, header: dict[str, Any], *, answer_s: float = _ANSWER_S) -> dict[str, Any]:
    """The same for a question that only wants an answer."""
    sock, answer = request(path, header, answer_s=answer_s)
    sock.close()
    return answer


def _open(sock: socket.socket, fds: Sequence[int]) -> None:
    if fds:
        socket.send_fds(sock, [wire.WITH_STREAMS], list(fds))
    else:
        sock.sendall(wire.WITHOUT_STREAMS)


def _connect(path: str, answer_s: float) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        sock.settimeout(answer_s)
        sock.connect(path)
    except OSError as error:
        sock.close()
        why = error.strerror or error
        raise SandboxUnavailable(
            f"boxd does not answer at {path} ({why}): start `make up`, or unset RANKZERO_BOXD"
        ) from error
    return sock


def _answer(sock: socket.socket, path: str, answer_s: float) -> dict[str, Any]:
    try:
        frame = recv_frame(sock, max_header=wire.MAX_REQUEST, timeout_s=answer_s)
    except (OSError, FrameError) as error:
        raise SandboxUnavailable(f"boxd at {path} gave no answer: {error}") from error
    if frame is None:
        raise SandboxUnavailable(f"boxd at {path} closed the connection: its log says why")
    return frame.header
