"""Overwrites the code of the box's first process: its end must count as the program's, not as our machine's fault."""

from __future__ import annotations

import sys

# Whoever can make a run "the machine's fault" is graded again for nothing.
ATTACK = {"status": ["exited", "signalled"], "exit": None, "says": "(refused|overwritten [0-9]+)", "wall_s": 8.0}
CONTROL = {"says": "read"}
SPEC = {"wall_s": 10.0}


def attack() -> None:
    overwritten = 0
    try:
        with open("/proc/1/maps") as maps, open("/proc/1/mem", "r+b", buffering=0) as memory:
            for line in maps:
                start, end = (int(word, 16) for word in line.split()[0].split("-"))
                if line.split()[1].startswith("r-x"):
                    memory.seek(start)
                    overwritten += memory.write(b"\xcc" * (end - start))
    except OSError:
        pass
    print(f"overwritten {overwritten}" if overwritten else "refused", flush=True)
    sys.exit(7)


def control() -> None:
    with open("/proc/1/status") as status:
        print("read" if status.read() else "nothing")
