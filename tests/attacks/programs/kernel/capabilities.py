"""Asks for capabilities in every way that there is."""

from __future__ import annotations

import ctypes

from kit import libc, syscall

ATTACK = {"says": "EPERM EPERM EPERM 0{16} 0{16} 0{16} 0{16} 0{16}"}
CONTROL = {"says": "0"}


def attack() -> None:
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    everything = (ctypes.c_uint32 * 6)(*[0xFFFFFFFF] * 6)
    print(
        syscall(126, ctypes.addressof(header), ctypes.addressof(everything)),
        syscall(157, 47, 2, 21, 0, 0),  # the ambient set
        syscall(157, 24, 21, 0, 0, 0),  # the bounding set
        end=" ",
    )
    with open("/proc/self/status") as status:
        sets = dict(line.split(":\t", 1) for line in status)
    print(*(sets[name].strip() for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")))


def control() -> None:
    header, nothing = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    print(libc.syscall(ctypes.c_long(126), header, nothing))
