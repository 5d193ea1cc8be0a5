"""What attack programs share. It lies beside each of them in the box, as they do: standard library only."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

libc = ctypes.CDLL(None, use_errno=True)
MIB = 1 << 20


def syscall(number: int, *arguments: Any) -> str:
    """The raw system call: "done", or the name of its error."""
    ctypes.set_errno(0)
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    result = libc.syscall(ctypes.c_long(number), *words)
    return "done" if result != -1 else errno.errorcode[ctypes.get_errno()]


def attempt(action: Callable[..., Any], *arguments: Any, **named: Any) -> str:
    """What came of it: "done", or the name of its error."""
    try:
        action(*arguments, **named)
    except OSError as error:
        return name_of(error)
    return "done"


def name_of(error: OSError) -> str:
    """The errno's name; the exception's where it has none."""
    return errno.errorcode[error.errno] if error.errno else type(error).__name__


@contextmanager
def child(action: Callable[[], None]) -> Iterator[int]:
    """Run `action` in a forked child; it is killed and reaped at the end."""
    pid = os.fork()
    if pid == 0:
        try:
            action()
        finally:
            os._exit(0)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def touch(size_mib: int) -> bytearray:
    """That much memory, every page written."""
    return bytearray(b"1") * (size_mib * MIB)


def fill(path: str, size_mib: int) -> str:
    """Write a file of that size: "done", or the name of the error on the way."""
    try:
        with open(path, "wb") as file:
            file.writelines(b"x" * MIB for _ in range(size_mib))
    except OSError as error:
        return name_of(error)
    return "done"


def machine_code(code: bytes) -> Callable[[], int]:
    """A function made of raw instructions."""
    pages = libc.mmap
    pages.restype = ctypes.c_void_p
    pages.argtypes = [ctypes.c_void_p, *[ctypes.c_long] * 5]
    address = pages(None, 4096, 7, 0x22, -1, 0)  # read, write, execute; private, anonymous
    ctypes.memmove(address, code, len(code))
    return ctypes.CFUNCTYPE(ctypes.c_int)(address)
