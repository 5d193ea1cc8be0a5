"""The same calls by the 32-bit gate, where other numbers hold."""

from __future__ import annotations

import os

from kit import machine_code

# mount is 21 there; the filter kills (SIGSYS 31), a kernel without that gate faults (SIGSEGV 11)
ATTACK = {"says": "ended by (31|11)"}
CONTROL = {"says": "True"}


def attack() -> None:
    pid = os.fork()
    if pid == 0:
        machine_code(bytes.fromhex("b814000000cd80c3"))()  # mov eax, 20; int 0x80; ret
        os._exit(0)
    print("ended by", os.WTERMSIG(os.waitpid(pid, 0)[1]))


def control() -> None:
    print(machine_code(bytes.fromhex("b8270000000f05c3"))() == os.getpid())  # mov eax, 39; syscall; ret
