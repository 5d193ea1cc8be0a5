"""One rank traces the other, to write the answer into it."""

from __future__ import annotations

import ctypes
import errno
import os
import time

import numpy as np
from kit import pack, save

CHEAT = {
    "exercise": "adapter",
    "verdict": "failed",
    "caught_by": "error",
    "tier": "cpu",
    "log": "attached -1 E(PERM|NOSYS|ACCES)",
}

if os.environ["RANK"] == "0":
    save(pack({"u": np.zeros((16, 1), "<f4"), "v": np.zeros((1, 16), "<f4")}))
    time.sleep(1)
else:
    libc = ctypes.CDLL(None, use_errno=True)
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) not in {1, os.getpid(), os.getppid()}:
            print("attached", libc.ptrace(16, int(name), 0, 0), errno.errorcode.get(ctypes.get_errno()))
