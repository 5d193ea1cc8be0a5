"""`python -m sandbox.boxd --socket PATH [--backend NAME] [--die-with-stdin]`."""

from __future__ import annotations

import argparse
import ctypes
import logging
import signal
import sys
from pathlib import Path

from sandbox.boxd.server import Boxd
from sandbox.boxd.services import Services
from sandbox.errors import SandboxError
from sandbox.opening import NAMES

_PR_SET_CHILD_SUBREAPER = 36
log = logging.getLogger("boxd")


def main() -> int:
    options = _options()
    # Boxes' first processes come to us when bubblewrap dies before them: init may be one that does not reap.
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    services = Services()
    try:
        # Opening sweeps what an earlier boxd, killed hard, left behind.
        services.backend(options.backend)
        boxd = Boxd(options.socket, services, sys.stdin.fileno() if options.die_with_stdin else None)
    except SandboxError as error:
        log.error("boxd: %s", error)
        return 1
    signal.set_wakeup_fd(boxd.wakeup_fd)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    log.info("boxd: listening at %s", options.socket)
    boxd.serve()
    log.info("boxd: stopped, no box left")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="boxd", description="Owns the boxes of this machine.")
    parser.add_argument("--socket", type=Path, required=True, help="unix socket to listen at (made with mode 600)")
    parser.add_argument(
        "--backend", choices=NAMES, default=NAMES[0], help="must work, or boxd ends; others open when first asked for"
    )
    parser.add_argument("--die-with-stdin", action="store_true", help="stop when standard input ends: with our owner")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
