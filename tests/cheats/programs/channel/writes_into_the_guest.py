"""Writes into the launcher's memory with process_vm_writev."""

from __future__ import annotations

import ctypes
import errno
import os

CHEAT = {
    "exercise": "adapter",
    "verdict": "failed",
    "caught_by": "failed",
    "says": "without writing",
    "log": r"\[out\] wrote -1 E(PERM|ACCES|NOSYS|SRCH)",
}

libc = ctypes.CDLL(None, use_errno=True)
word = ctypes.create_string_buffer(8)


class Part(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


part = Part(ctypes.addressof(word), 8)
count = libc.process_vm_writev(os.getppid(), ctypes.byref(part), 1, ctypes.byref(part), 1, 0)
print("wrote", count, errno.errorcode.get(ctypes.get_errno()))
