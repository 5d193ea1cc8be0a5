"""`python -m sandbox.boxd --socket PATH`."""

from __future__ import annotations

import argparse
import ctypes
import logging
import signal
import sys
from pathlib import Path

from sandbox.boxd.server import Boxd
from sandbox.bubblewrap import BubblewrapBackend
from sandbox.errors import SandboxError

_PR_SET_CHILD_SUBREAPER = 36
log = logging.getLogger("boxd")


def main() -> int:
    parser = argparse.ArgumentParser(prog="boxd", description="Owns the boxes of this machine.")
    parser.add_argument("--socket", type=Path, required=True, help="unix socket to listen at (made with mode 600)")
    path = parser.parse_args().socket
    # Boxes' first processes come to us when bubblewrap dies before them: init may be one that does not reap.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        # Opening sweeps what an earlier boxd, killed hard, left behind.
        backend = BubblewrapBackend.open()
        boxd = Boxd(path, backend)
    except SandboxError as error:
        log.error("boxd: %s", error)
        return 1
    signal.set_wakeup_fd(boxd.wakeup_fd)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    log.info("boxd: limits by %s; listening at %s", backend.keeper.source, path)
    boxd.serve()
    log.info("boxd: stopped, no box left")
    return 0


if __name__ == "__main__":
    sys.exit(main())
