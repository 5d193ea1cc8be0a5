"""What boxd and its clients say to each other: one connection a box, pod, lease or question; frames both ways.

A connection opens with one byte: "F" carries the four descriptors of a box (0, 1, 2, control), "-" carries none.
After "F": run (backend, pod, argv, spec), then any number of usage, pids, kill, freeze and thaw. After "-": one of
check (backend), status, pod (backend) and lease (cores, gpus, wait_s). The connection is the lifeline of what it asked
for: when it closes, the box or pod ends and the lease is given back. Replies: started, refused, usage, pids, frozen,
thawed, failed, outcome, checks, status, pod, leased; and "waiting" now and then while a request cannot be met yet.
Both ends are ours and of one user, so a reply is trusted; a request is checked as any spec is.
"""

from __future__ import annotations

import math
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Literal

from sandbox.errors import BoxStartError, FrameError, SandboxUnavailable
from sandbox.spec import BoxSpec, Mount, Outcome, Usage

WITH_STREAMS, WITHOUT_STREAMS = b"F", b"-"
STREAMS = 4
# A spec's own header: argv, environment and mounts.
MAX_REQUEST = 1024 * 1024
# What follows on a connection: one word.
MAX_FOLLOW_UP = 1024
WAITING_S = 5.0
"""How often boxd says that a request still waits."""

Why = Literal["unavailable", "value", "timeout", "start", "malformed"]
_TUPLES = ("cpus", "gpus")
_FIELDS = {
    "run": {"backend", "pod", "argv", "spec"},
    "check": {"backend"},
    "status": set[str](),
    "pod": {"backend"},
    "lease": {"cores", "gpus", "wait_s"},
}


def check_request(header: dict[str, Any], *, streams: bool) -> str:
    """The request's operation, if it is one and has just its fields, of the right kinds. Raises FrameError."""
    op = header.get("op")
    if not isinstance(op, str) or op not in _FIELDS or streams != (op == "run"):
        raise FrameError(f"no request {op!r} {'with' if streams else 'without'} streams")
    if header.keys() != _FIELDS[op] | {"op"}:
        raise FrameError(f"a {op} request has the fields {sorted(_FIELDS[op])}, not {sorted(header.keys() - {'op'})}")
    for name, value in header.items():
        if not _KINDS[name](value):
            raise FrameError(f"{name} of a {op} request cannot be {str(value)[:100]!r}")
    return op


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_count(value: object) -> bool:
    return type(value) is int


def _is_wait(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and math.isfinite(value) and value >= 0)


_KINDS = {
    "op": _is_text,
    "backend": _is_text,
    "pod": lambda value: value is None or isinstance(value, str),
    "argv": lambda value: isinstance(value, list) and all(isinstance(word, str) for word in value),
    "spec": lambda value: isinstance(value, dict),
    "cores": _is_count,
    "gpus": _is_count,
    "wait_s": _is_wait,
}


def why(error: Exception) -> Why:
    """The word for an error that a client is told of; `to_error` is the inverse."""
    if isinstance(error, SandboxUnavailable):
        return "unavailable"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, FrameError):
        return "malformed"
    return "start" if isinstance(error, BoxStartError) else "value"


def to_error(answer: dict[str, Any]) -> Exception:
    """What a refusal means to the caller."""
    kinds: dict[str, type[Exception]] = {
        "unavailable": SandboxUnavailable,
        "timeout": TimeoutError,
        "malformed": FrameError,
        "start": BoxStartError,
        "value": ValueError,
    }
    return kinds[answer["why"]](answer["message"])


def spec_to_wire(spec: BoxSpec) -> tuple[dict[str, Any], bytes]:
    """The spec as a JSON object and the bytes of its files, in order."""
    plain = {field.name: getattr(spec, field.name) for field in fields(spec)}
    plain["mounts"] = [[str(mount.source), mount.target] for mount in spec.mounts]
    plain["files"] = [[name, len(data)] for name, data in spec.files.items()]
    plain["env"] = dict(spec.env)
    return plain, b"".join(spec.files.values())


def spec_from_wire(plain: dict[str, Any], payload: bytes) -> BoxSpec:
    """The inverse. Raises ValueError or TypeError for anything that is not a spec."""
    missing = {field.name for field in fields(BoxSpec)} - plain.keys()
    if missing:
        raise ValueError(f"the spec lacks {', '.join(sorted(missing))}")
    values = dict(plain)
    values["mounts"] = tuple(Mount(source=Path(source), target=target) for source, target in plain["mounts"])
    values["files"] = _files(plain["files"], payload)
    for name in _TUPLES:
        values[name] = None if plain[name] is None else tuple(plain[name])
    return BoxSpec(**values)


def _files(sizes: list[list[Any]], payload: bytes) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    start = 0
    for name, size in sizes:
        if type(size) is not int or size < 0:
            raise ValueError(f"a file's size cannot be {size!r}")
        files[name] = payload[start : start + size]
        start += size
    if start != len(payload):
        raise ValueError(f"files announce {start} bytes, {len(payload)} came")
    return files


def outcome_to_wire(outcome: Outcome) -> dict[str, Any]:
    return asdict(outcome)


def outcome_from_wire(plain: dict[str, Any]) -> Outcome:
    return Outcome(**{**plain, "usage": Usage(**plain["usage"]), "hits": tuple(plain["hits"])})
