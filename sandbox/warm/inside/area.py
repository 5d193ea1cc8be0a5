"""The memory behind /proc/<pid>/cmdline and /proc/<pid>/environ, which a copy has from its template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.warm.inside import kernel

_ARG_START, _ARG_END, _ENV_START, _ENV_END = 45, 46, 47, 48  # fields of /proc/self/stat after the name, from 0


@dataclass(slots=True)
class _Area:
    args: range
    environment: range


def _find() -> _Area:
    with open("/proc/self/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    starts = [int(fields[number]) for number in (_ARG_START, _ARG_END, _ENV_START, _ENV_END)]
    return _Area(range(starts[0], starts[1]), range(starts[2], starts[3]))


_area = _find()


def show(argv: Sequence[str]) -> None:
    """Let our command line read `argv`, as far as there is room, and our first environment be empty."""
    words = b"".join(word.encode(errors="surrogateescape") + b"\0" for word in argv)
    room = len(_area.args)
    kernel.overwrite(_area.args.start, words[: room - 1].ljust(room, b"\0"))
    kernel.overwrite(_area.environment.start, bytes(len(_area.environment)))
