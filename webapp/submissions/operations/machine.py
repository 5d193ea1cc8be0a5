"""What boxd, the GPUs and the disk of this machine say. What is not there is left out, never shown as nought."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass

from sandbox import SandboxUnavailable
from sandbox.boxd.client import boxd_status
from sandbox.boxd.figures import BoxdFigures, figures_of
from webapp.config.paths import state_dir

ANSWER_S = 2.0  # a boxd that is frozen must not hold up whoever looks
_GPU_COLUMNS = ("uuid", "utilization.gpu", "memory.used", "memory.total")
MIB = 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    uuid: str
    busy: float | None  # share of the last moments in which something ran on it; None where the driver does not tell
    used_bytes: int | None
    total_bytes: int | None


def boxd_path() -> str:
    """Of the boxd that this machine is set up with; "" where each worker makes its own boxes."""
    return os.environ.get("RANKZERO_BOXD", "")


def boxd_here() -> BoxdFigures | None:
    """None where it does not answer."""
    try:
        return figures_of(boxd_status(boxd_path(), answer_s=ANSWER_S))
    except SandboxUnavailable:
        return None


def gpus_here() -> tuple[Gpu, ...]:
    if shutil.which("nvidia-smi") is None:
        return ()
    query = ["nvidia-smi", f"--query-gpu={','.join(_GPU_COLUMNS)}", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(query, capture_output=True, text=True, timeout=ANSWER_S, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(gpu_of(line) for line in said.splitlines() if line.strip())


def gpu_of(line: str) -> Gpu:
    """One line of nvidia-smi's. Under MIG it writes [N/A] for what it does not tell."""
    uuid, busy, used, total = (part.strip() for part in line.split(","))
    share = number(busy)
    return Gpu(
        uuid=uuid,
        busy=None if share is None else share / 100,
        used_bytes=mib(used),
        total_bytes=mib(total),
    )


def number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def mib(text: str) -> int | None:
    found = number(text)
    return None if found is None else int(found) * MIB


def state_free_bytes() -> int:
    status = os.statvfs(state_dir())
    return status.f_bavail * status.f_frsize
