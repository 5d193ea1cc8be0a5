"""The `serve` protocol: the program runs as an HTTP server in a pod; our load generator, in a box of its own, asks it.

The judge never connects to the server itself: every byte that the server sends is parsed in the generator's box.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence

from grader.boxes import ENVIRONMENT, ROOT, GuestBox, guest_mounts
from grader.channel import Channel
from grader.context import RunContext
from grader.errors import CandidateError, Crashed, InfraError, TimedOut
from grader.load.plan import Request
from grader.load.result import LoadResult, Response, parse_result
from grader.load.wire import MAX_REQUESTS, pack_order
from grader.outcomes import error_of
from grader.report import Usage
from lessons.schema import Limits
from sandbox import MIB, BoxSpec, BoxStartError, Mount, Pod

PORT = 8000
_LOAD_FOLDER = "/opt/rankzero/grader/load"
_POLL_S = 0.25
_END_S = 3.0
_MAX_RESULT = 128 * MIB
_DOING = "serving"


class Server:
    """One candidate's server, up and listening. Latencies and readiness are measured by us alone."""

    def __init__(self, context: RunContext, pod: Pod, guest: GuestBox, generator: LoadBox) -> None:
        self._context = context
        self._pod = pod
        self._guest = guest
        self._generator = generator
        self._over = False

    @classmethod
    def open(cls, context: RunContext, argv: Sequence[str], files: Mapping[str, bytes], ready_s: float) -> Server:
        """Start the program and wait until it listens. Raises a CandidateError, InfraError."""
        with contextlib.ExitStack() as undo:
            try:
                pod = undo.enter_context(context.backend.open_pod())
            except BoxStartError as error:
                raise InfraError(f"the pod could not be made: {error}") from error
            generator = LoadBox(context, pod)
            undo.callback(generator.close)
            guest = context.start_entry(argv, files, {"PORT": str(PORT), "HOST": "127.0.0.1"}, pod)
            undo.callback(guest.close)
            server = cls(context, pod, guest, generator)
            server._await_listening(ready_s)
            undo.pop_all()
        return server

    def request(self, request: Request, *, timeout_s: float = 30.0) -> Response:
        """Send one request and wait for its answer; `failure` says if there was none. Raises a CandidateError."""
        return self.load([request], [0.0], connections=1, timeout_s=timeout_s).responses[0]

    def load(
        self,
        requests: Sequence[Request],
        arrivals_s: Sequence[float],
        *,
        connections: int = 64,
        timeout_s: float = 10.0,
        stream: bool = False,
    ) -> LoadResult:
        """Send request i at `arrivals_s[i]` seconds (ascending), over at most `connections` kept connections.

        `stream`: note when each server-sent event comes. Raises a CandidateError when the server ends meanwhile,
        ValueError for a bad order.
        """
        if (
            not 0 < len(requests) <= MAX_REQUESTS
            or list(arrivals_s) != sorted(arrivals_s)
            or not 1 <= connections <= 512
        ):
            raise ValueError(f"a load has 1 to {MAX_REQUESTS} requests, ascending arrivals and 1 to 512 connections")
        if self._over:
            raise RuntimeError("this server has ended: make another with bench.candidate()")
        if self._context.hides_prints:
            self._guest.prints.withhold()
        payload = pack_order(arrivals_s, [request.raw() for request in requests])
        order = {"port": PORT, "most": connections, "timeout_s": timeout_s, "stream": stream, "count": len(requests)}
        span_s = arrivals_s[-1] + timeout_s
        try:
            answer, share = self._generator.order(order, payload, patience_s=span_s + 10.0)
            with self._context.blame():
                self._require_alive()
        except (CandidateError, InfraError):
            self.close()
            raise
        return parse_result(answer, arrivals_s, share)

    @property
    def usage(self) -> Usage:
        """The server's box alone."""
        return self._guest.usage

    def finish(self) -> None:
        """End in good order. Raises a CandidateError when the server has ended by itself."""
        if not self._over:
            try:
                self._require_alive()
            finally:
                self.close()

    def freeze(self) -> None:
        if not self._over:
            self._guest.freeze()

    def thaw(self) -> None:
        if not self._over:
            self._guest.thaw()

    def close(self) -> None:
        """End server, generator and pod. Safe to call twice."""
        if not self._over:
            self._over = True
            self._guest.close()
            self._generator.close()
            self._pod.close()

    def _await_listening(self, ready_s: float) -> None:
        deadline = time.monotonic() + ready_s
        while time.monotonic() < deadline:
            if self._generator.sees_listener(_POLL_S):
                return
            self._require_alive()
        raise TimedOut(
            f"The server did not listen on 127.0.0.1:{PORT} (the PORT in its environment) within {ready_s:g} s."
        )

    def _require_alive(self) -> None:
        outcome = self._guest.ended(0.0)
        if outcome is None:
            return
        self._guest.close()
        if outcome.status in {"exited", "signalled"}:
            tail = "\n".join(f"  {line}" for line in self._guest.prints.last_errors(15))
            raise Crashed("The server ended by itself." + (f" Its last lines:\n{tail}" if tail else ""))
        raise error_of(outcome, self._context.limits, _DOING)


class LoadBox:
    """Our load generator in its box: trusted to be honest, not to be strong, since it reads what the server sends."""

    def __init__(self, context: RunContext, pod: Pod) -> None:
        limits = Limits(memory_mb=1024, wall_s=context.limits.wall_s + 60.0, pids=16, output_kb=64)
        spec = BoxSpec(
            mounts=(*guest_mounts(), Mount(source=ROOT / "grader" / "load", target=_LOAD_FOLDER)),
            memory_bytes=limits.memory_mb * MIB,
            pids=limits.pids,
            wall_s=limits.wall_s,
            open_files=1025,
            env=ENVIRONMENT,
            cpus=None if context.cores is None else context.cores.load,
        )
        arguments = ["-P", "-m", "grader.load.generator"]
        self._guest = GuestBox.launch(context.backend, spec, arguments, context.emit, pod)
        self._channel = Channel(self._guest, limits)

    def sees_listener(self, wait_s: float) -> bool:
        """Whether the server takes connections within `wait_s`."""
        header = self._exchange({"do": "wait", "port": PORT, "timeout_s": wait_s}, b"", {"listening"}, wait_s + 10.0)[0]
        return bool(header["listening"])

    def order(self, header: Mapping[str, object], payload: bytes, *, patience_s: float) -> tuple[bytes, float]:
        """Run a load; its result and the share of one core that the generator used meanwhile."""
        before, began = self._guest.usage.cpu_s, time.monotonic()
        answer, data = self._exchange({"do": "load", **header}, payload, {"count"}, patience_s)
        if answer["count"] != header["count"]:
            raise InfraError("the load generator answered another order")
        return data, (self._guest.usage.cpu_s - before) / (time.monotonic() - began)

    def close(self) -> None:
        self._guest.close()

    def _exchange(
        self, header: Mapping[str, object], payload: bytes, fields: set[str], patience_s: float
    ) -> tuple[Mapping[str, object], bytes]:
        try:
            nonce = self._channel.send(header, payload, _DOING)
            frame = self._channel.receive(nonce, fields, _MAX_RESULT, _DOING, patience_s)
        except CandidateError as error:  # the program in this box is ours
            raise InfraError(f"the load generator failed: {error.message}") from error
        return frame.header, frame.payload
