"""The host's side of one template: starts it, asks it for copies, ends it when its last box has ended."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from sandbox.capture import Capture
from sandbox.errors import BoxStartError
from sandbox.monitor import Monitor
from sandbox.spec import KIB, MIB, BoxSpec, Mount
from sandbox.streams import Streams
from sandbox.warm.host import Host
from sandbox.warm.inside.template import MADE
from sandbox.warm.program import TEMPLATE_OPEN_FILES, TemplateKey
from sandbox.warm.request import shared_paths
from sandbox.warm.vessel import CopyVessel
from sandbox.warm.waiting import WaitingCopies, WaitingCopy, readable

_CODE = "/opt/rankzero-warm"
_INSIDE = Path(__file__).resolve().parent / "inside"
_PROGRAM = "sandbox.warm.inside.template"
_IMPORT_S = 180.0
_COPY_S = 10.0
_FOR_EVER_S = 1e9
_MEMORY_BYTES = 4096 * MIB
_PIDS = 256  # copies are the template's own until they are moved
_LONGEST_LINE = 64 * KIB
_OUTPUT_BYTES = 16 * KIB


class Template:
    """A template that is ready. Every method may be called from any thread."""

    def __init__(self, key: TemplateKey, monitor: Monitor, streams: Streams, host: Host) -> None:
        """Wait until it has imported. Raises BoxStartError, with what it said of itself; then it is closed."""
        self.key = key
        self.born = self.last_used = time.monotonic()
        self.used = 0
        self._monitor = monitor
        self._streams = streams
        self._host = host
        self._prints = [Capture(stream, _OUTPUT_BYTES) for stream in (streams.stdout, streams.stderr)]
        self._asking = threading.Lock()
        self._counting = threading.Lock()
        self._living = 0
        self._retired = False
        self._closed = False
        self._waiting: WaitingCopies | None = None
        try:
            self._await_ready()
        except BaseException:
            self.close()
            raise
        self._waiting = WaitingCopies(self._make)

    @classmethod
    def start(cls, key: TemplateKey, imports: Sequence[str], host: Host) -> Template:
        """Start one and wait until it has imported. Raises BoxStartError."""
        spec = BoxSpec(
            mounts=(*key.mounts, Mount(source=_INSIDE, target=f"{_CODE}/sandbox/warm/inside")),
            memory_bytes=_MEMORY_BYTES,
            pids=_PIDS,
            wall_s=_FOR_EVER_S,
            open_files=TEMPLATE_OPEN_FILES,
            hostname="template",
            env=key.template_environment(_CODE),
        )
        safe_path = ["-P"] if key.safe_path else []
        told = {"imports": list(imports), "shared": shared_paths(key)}
        argv = [key.python, *safe_path, "-m", _PROGRAM, json.dumps(told)]
        streams = Streams()
        try:
            monitor = host.launch(spec, argv, streams.theirs)
        except BaseException:
            streams.close_ours()
            raise
        finally:
            streams.close_theirs()
        return cls(key, monitor, streams, host)

    def alive(self) -> bool:
        """It says nothing unasked: what can be read between two requests is its end."""
        with self._asking:
            return not self._closed and not readable(self._streams.control.fileno(), 0)

    def take(self) -> WaitingCopy:
        """A copy that waits for its order. Raises BoxStartError."""
        assert self._waiting is not None
        return self._waiting.take()

    def begin(self, copy: WaitingCopy, fds: Sequence[int]) -> CopyVessel:
        """Give it its order. Raises OSError."""
        self._count(1)
        try:
            vessel = copy.begin(fds, lambda: self._count(-1))
        except BaseException:
            self._count(-1)
            raise
        self.used += 1
        return vessel

    def hold(self) -> None:
        """Keep it from ending when it retires, until `release`."""
        self._count(1)

    def release(self) -> None:
        self._count(-1)

    def wait_full(self, timeout_s: float) -> bool:
        """Block until copies wait."""
        return self._waiting is not None and self._waiting.wait_full(timeout_s)

    def retire(self) -> None:
        """Make no more copies; end once the last box has ended."""
        with self._counting:
            self._retired = True
            over = self._living == 0
        if over:
            self.close()

    def close(self) -> None:
        """End it now, and every box that came from it. Safe to call twice."""
        with self._counting:
            if self._closed:
                return
            self._closed = True
        if self._waiting is not None:
            self._waiting.close()
        self._monitor.kill()
        for capture in self._prints:
            with contextlib.suppress(TimeoutError):
                capture.result(1.0)
        self._streams.close_ours()

    def _await_ready(self) -> None:
        self._streams.stdin.close()
        control = self._streams.control
        control.settimeout(_IMPORT_S)
        said = b""
        try:
            while not said.endswith(b"\n") and len(said) < _LONGEST_LINE and (block := control.recv(4096)):
                said += block
        except OSError as error:
            raise BoxStartError(f"the template was not ready after {_IMPORT_S:g} s: {error}") from error
        if not said.endswith(b"\n"):
            self._monitor.kill()
            last = self._prints[1].result(1.0).text.strip().splitlines()
            raise BoxStartError(f"the template ended while it imported: {last[-1] if last else 'it said nothing'}")
        problems = json.loads(said)["problems"]
        if problems:
            raise BoxStartError(f"the template must not be copied: {'; '.join(map(str, problems))}"[:1000])

    def _make(self) -> WaitingCopy:
        """A new copy, in a cgroup of its own. Raises BoxStartError."""
        account = self._host.keeper.make()
        link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        status, told = os.pipe2(os.O_CLOEXEC)
        try:
            pidfd = self._ask([theirs.fileno(), told])
            copy = WaitingCopy(pid=_pid_of(pidfd), pidfd=pidfd, account=account, link=link, status=status)
        except (OSError, ValueError) as error:
            link.close()
            os.close(status)
            account.remove()
            raise BoxStartError(f"the template made no copy: {error}") from error
        finally:
            theirs.close()
            os.close(told)
        try:
            copy.place(self._host.seccomp)
        except OSError as error:
            copy.discard()
            raise BoxStartError(f"a copy could not be made a box: {error}") from error
        return copy

    def _ask(self, fds: Sequence[int]) -> int:
        """One request, one pidfd. Raises OSError."""
        with self._asking:
            control = self._streams.control
            control.settimeout(_COPY_S)
            socket.send_fds(control, [b"c"], fds)
            said, received, _, _ = socket.recv_fds(control, 1024, 1, socket.MSG_CMSG_CLOEXEC)
        if said[:1] != MADE or len(received) != 1:
            for fd in received:
                os.close(fd)
            raise OSError(said[1:].decode(errors="replace").strip() or "it has ended")
        return received[0]

    def _count(self, change: int) -> None:
        with self._counting:
            self._living += change
            self.last_used = time.monotonic()
            over = self._retired and self._living == 0
        if over:
            # Not here: this may be the monitor of one of its boxes.
            threading.Thread(target=self.close, name="warm-retire", daemon=True).start()


def _pid_of(pidfd: int) -> int:
    """As our own pid namespace numbers it. Raises ValueError if it is not one of ours, or gone; then it is closed."""
    for line in Path(f"/proc/self/fdinfo/{pidfd}").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "Pid" and int(value) > 0:
            return int(value)
    with contextlib.suppress(OSError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    os.close(pidfd)
    raise ValueError("the descriptor that came back is no living process of ours")
