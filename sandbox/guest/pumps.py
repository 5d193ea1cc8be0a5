"""Passes a rank's prints on, each line marked with the rank."""

from __future__ import annotations

import os

_BLOCK = 64 * 1024
_MAX_LINE = 8 * 1024
_LAST_BLOCKS = 32  # a pipe holds no more


class Pump:
    """From descriptor `fd`, ours, to descriptor `to`. A line over 8 KiB is cut into several."""

    def __init__(self, fd: int, to: int, mark: bytes) -> None:
        os.set_blocking(fd, False)
        self.fd = fd
        self._to = to
        self._mark = mark
        self._rest = b""

    def pump(self) -> bool:
        """Pass on what is there; False when there is nothing now or for ever."""
        try:
            block = os.read(self.fd, _BLOCK)
        except BlockingIOError:
            return False
        self._pass_on(block)
        return bool(block)

    def drain(self) -> None:
        """Pass on the rest, a last line without its end too.

        No more than is there: a child that stays behind may keep the stream open, or filled, for ever.
        """
        for _ in range(_LAST_BLOCKS):
            if not self.pump():
                break
        self._pass_on(b"\n" if self._rest else b"")

    def _pass_on(self, block: bytes) -> None:
        *lines, self._rest = (self._rest + block).split(b"\n")
        if len(self._rest) > _MAX_LINE:
            lines.append(self._rest)
            self._rest = b""
        _write_all(self._to, b"".join(self._mark + line + b"\n" for line in lines))


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
