"""What boxd and its clients say to each other: one connection a box, frames both ways.

A connection opens with one byte: "F" carries the four descriptors of a box (0, 1, 2, control), "-" carries none.
Requests: run (with the spec), usage, kill, check. Replies: started, refused, usage, outcome, checks.
Both ends are ours and of one user, so a reply is trusted; a request is checked as any spec is.
"""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from sandbox.spec import BoxSpec, Mount, Outcome, Usage

WITH_STREAMS, WITHOUT_STREAMS = b"F", b"-"
STREAMS = 4
# A spec's own header: argv, environment and mounts.
MAX_REQUEST = 1024 * 1024
_TUPLES = ("cpus", "gpus")


def spec_to_wire(spec: BoxSpec) -> tuple[dict[str, Any], bytes]:
    """The spec as a JSON object and the bytes of its files, in order."""
    plain = {field.name: getattr(spec, field.name) for field in fields(spec)}
    plain["mounts"] = [[str(mount.source), mount.target] for mount in spec.mounts]
    plain["files"] = [[name, len(data)] for name, data in spec.files.items()]
    plain["env"] = dict(spec.env)
    return plain, b"".join(spec.files.values())


def spec_from_wire(plain: dict[str, Any], payload: bytes) -> BoxSpec:
    """The inverse. Raises ValueError or TypeError for anything that is not a spec."""
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
        files[name] = payload[start : start + size]
        start += size
    if start != len(payload):
        raise ValueError(f"files announce {start} bytes, {len(payload)} came")
    return files


def outcome_to_wire(outcome: Outcome) -> dict[str, Any]:
    return asdict(outcome)


def outcome_from_wire(plain: dict[str, Any]) -> Outcome:
    return Outcome(**{**plain, "usage": Usage(**plain["usage"])})
