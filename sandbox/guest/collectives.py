"""Says where this rank stands when the guest asks: runs inside a rank, beside the learner's code.

torch's flight recorder (on for gloo and NCCL since 2.8) knows every collective, those of DDP's C++ reducer and of FSDP
too; send, recv and the meeting at the start are read from the main thread's stack. Nothing is recorded by us, and
until somebody asks the thread sleeps.
"""

from __future__ import annotations

import _thread
import json
import os
import re
import sys
import time
from types import FrameType
from typing import Any

from sandbox.guest.positions import OPS, Position, is_file

WATCH_FD = 3  # the control channel's number, which no rank has
RECORDER = {"TORCH_FR_BUFFER_SIZE": "200"}
_WORK = "/work/"
_NOT_THEIRS = (sys.prefix + os.sep, sys.base_prefix + os.sep)  # the lab itself may lie below /work
_C10D = f"{os.sep}torch{os.sep}distributed{os.sep}distributed_c10d.py"
_VARIANTS = {
    "allreduce": "all_reduce",
    "allgather": "all_gather",
    "recvanysource": "recv",
    "isend": "send",
    "irecv": "recv",
    "monitored_barrier": "barrier",
}


def watch() -> None:
    """Answer on WATCH_FD from now on, for the thread that calls this. Not a `threading` thread: nobody waits for it."""
    _thread.start_new_thread(_answer, (_thread.get_ident(),))


def _answer(main: int) -> None:
    try:
        while os.read(WATCH_FD, 1):
            os.write(WATCH_FD, json.dumps(position(sys._current_frames().get(main))).encode())
    except OSError:
        return  # the learner closed it: the guest will say that this rank does not answer


def position(frame: FrameType | None) -> Position:
    """Where this process is, its main thread being at `frame`."""
    called, file, line = _place(frame)
    entries = _recorded()
    waiting = [entry for entry in entries if not entry["retired"]]
    if not waiting and called is not None:
        return _made(op=called, waits=True, entries=entries, file=file, line=line)
    if not entries:
        return _made(op=None, waits=False, entries=entries, file=file, line=line)
    entry = (waiting or entries[-1:])[0]
    return _made(
        op=name_of(entry["profiling_name"]),
        waits=bool(waiting),
        entries=entries,
        file=file,
        line=line,
        number=max(entry["collective_seq_id"], 0),
        group=max(entry["pg_id"], 0),
        since_s=max(int(time.time() - entry["time_created_ns"] / 1e9), 0),
    )


def name_of(profiling_name: str) -> str:
    """From torch's name ("nccl:_all_gather_base", "nccl:send 0->1") to one of OPS."""
    name = profiling_name.partition(":")[2].split(" ")[0].lower().strip("_")
    for variant, plain in _VARIANTS.items():
        name = re.sub(f"^{variant}", plain, name)
    # The longest first: reduce_scatter is no reduce.
    return next((op for op in sorted(OPS, key=len, reverse=True) if name.startswith(op)), "collective")


def _recorded() -> list[dict[str, Any]]:
    c10d = sys.modules.get("torch._C._distributed_c10d")
    if c10d is None:
        return []
    entries: list[dict[str, Any]] = json.loads(c10d._dump_fr_trace_json(True, False)).get("entries", [])
    return entries


def _place(frame: FrameType | None) -> tuple[str | None, str | None, int]:
    """The function of torch.distributed that was called, and the innermost line of the learner's that is running."""
    called = None
    while frame is not None:
        name = frame.f_code.co_filename
        if name.endswith(_C10D):
            plain = _VARIANTS.get(frame.f_code.co_name, frame.f_code.co_name)
            called = plain if plain in OPS else called
        file = name.removeprefix(_WORK)
        if name.startswith(_WORK) and not name.startswith(_NOT_THEIRS) and is_file(file):
            return called, file, frame.f_lineno
        frame = frame.f_back
    return called, None, 0


def _made(
    *,
    op: str | None,
    waits: bool,
    entries: list[dict[str, Any]],
    file: str | None,
    line: int,
    number: int = 0,
    group: int = 0,
    since_s: int = 0,
) -> Position:
    count = entries[-1]["record_id"] + 1 if entries else 0
    return Position(op=op, waits=waits, number=number, group=group, count=count, since_s=since_s, file=file, line=line)
