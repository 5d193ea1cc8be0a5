"""The first lines of a rank's own interpreter: `python -u rank.py entry args`; the guest asks on WATCH_FD."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])

from sandbox.guest import collectives, program  # noqa: E402  only found now

if __name__ == "__main__":
    collectives.watch()
    code = program.run(sys.argv[1], sys.argv[2:])
    if code < 0:
        program.leave(code)
    sys.exit(code)
