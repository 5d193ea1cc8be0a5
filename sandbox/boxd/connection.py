"""One client of boxd: what it asked for lives as long as its connection."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import select
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from sandbox.boxd import wire
from sandbox.boxd.peer import peer_of
from sandbox.boxd.services import Services
from sandbox.errors import BoxStartError, FrameError, SandboxError
from sandbox.frames import Frame, recv_frame, send_frame
from sandbox.leases import STAND_BACK_S, Place
from sandbox.opening import LocalBox, LocalRun
from sandbox.spec import MIB, BoxSpec, Outcome

log = logging.getLogger("boxd")

_REQUEST_S = 30.0
_GOODBYE_S = 2.0
# How often a waiting request looks whether its client is still there.
_LOOK_S = 0.2


class ClientGoneError(Exception):
    """The client went while its request waited."""


class Connection:
    """Reads one request, serves it, and ends what came of it when the client goes."""

    def __init__(self, sock: socket.socket, services: Services, name: str) -> None:
        self._sock = sock
        self._services = services
        self._name = name
        self._sending = threading.Lock()

    def run(self) -> None:
        """Serve the connection to its end."""
        try:
            self._serve()
        except ClientGoneError:
            log.info("%s: the client went before it was served", self._name)
        except (OSError, FrameError) as error:
            log.info("%s: connection lost: %s", self._name, error)
        finally:
            self._sock.close()

    def hang_up(self) -> None:
        """Let the connection end as if the client had gone; it can still be told the outcome. From any thread."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RD)

    def _serve(self) -> None:
        self._sock.settimeout(_REQUEST_S)
        opening, fds, _, _ = socket.recv_fds(self._sock, 1, wire.STREAMS)
        try:
            self._serve_opened(opening, fds)
        finally:
            _close_all(fds)

    def _serve_opened(self, opening: bytes, fds: list[int]) -> None:
        try:
            request = self._read_request(opening, fds)
            if request is None:
                return
            serve = {"run": self._run_box, "pod": self._open_pod, "lease": self._lease}.get(request.header["op"])
            if serve is None:
                self._reply(self._answer(request.header))
            else:
                serve(request, fds)
        except (SandboxError, ValueError, TypeError, KeyError, TimeoutError) as error:
            log.warning("%s: refused: %s", self._name, error)
            self._reply({"event": "refused", "why": wire.why(error), "message": str(error)})

    def _read_request(self, opening: bytes, fds: list[int]) -> Frame | None:
        """None if nothing was asked. Raises FrameError."""
        if not opening:
            return None
        if opening not in {wire.WITH_STREAMS, wire.WITHOUT_STREAMS}:
            raise FrameError(f"a connection does not open with {opening!r}")
        streams = opening == wire.WITH_STREAMS
        if len(fds) != (wire.STREAMS if streams else 0):
            raise FrameError(f"{opening!r} came with {len(fds)} descriptors")
        frame = recv_frame(self._sock, max_header=wire.MAX_REQUEST, timeout_s=_REQUEST_S)
        if frame is not None:
            wire.check_request(frame.header, streams=streams)
        return frame

    def _answer(self, header: dict[str, Any]) -> dict[str, Any]:
        if header["op"] == "status":
            return {"event": "status", "status": self._services.status()}
        checks = self._services.backend(header["backend"]).check()
        return {"event": "checks", "checks": [asdict(check) for check in checks]}

    def _run_box(self, request: Frame, fds: list[int]) -> None:
        header = request.header
        spec = wire.spec_from_wire(header["spec"], request.payload)
        backend = self._services.backend(header["backend"])
        pod = None if header["pod"] is None else self._services.pod(backend.name, header["pod"])
        box = backend.prepare(spec, pod=pod)
        run = self._start(box, header["argv"], fds, self._await_place(spec))
        # Else nobody would ever see these streams end.
        _close_all(fds)
        with self._services.listed_box(self._name, backend.name):
            self._follow(box, run)

    def _start(self, box: LocalBox, argv: list[str], fds: list[int], place: Place) -> LocalRun:
        try:
            return box.start_with(argv, fds, place)
        except OSError as error:  # out of descriptors, say: not the connection's fault
            place.leave()
            raise BoxStartError(f"cannot start the box: {error}") from error
        except BaseException:
            place.leave()
            raise

    def _await_place(self, spec: BoxSpec) -> Place:
        began = time.monotonic()
        for _ in self._patiently():
            left = max(0.0, began + STAND_BACK_S - time.monotonic())
            with contextlib.suppress(TimeoutError):
                return self._services.book.place(spec.cpus, wait_s=_LOOK_S, stand_back_s=left)
        raise AssertionError("patience has no end")

    def _follow(self, box: LocalBox, run: LocalRun) -> None:
        """Answer requests until the client goes; tell it the outcome when there is one."""
        teller = threading.Thread(target=self._tell_outcome, args=(run,), name="boxd-teller", daemon=True)
        try:
            self._reply({"event": "started", "id": self._name})
            teller.start()
            while (frame := recv_frame(self._sock, max_header=wire.MAX_FOLLOW_UP, max_payload=0)) is not None:
                self._follow_up(box, frame.header.get("op"))
        finally:
            box.kill()
            if teller.ident is not None:
                teller.join(_GOODBYE_S)

    def _follow_up(self, box: LocalBox, op: object) -> None:
        if op == "kill":
            # Not here: the reading must go on, so that a client that goes is noticed.
            threading.Thread(target=box.kill, name="boxd-kill", daemon=True).start()
        elif op == "usage":
            self._reply({"event": "usage", "usage": asdict(box.usage())})
        elif op == "pids":
            self._reply({"event": "pids", "pids": box.pids()})
        elif op in {"freeze", "thaw"}:
            try:
                box.freeze() if op == "freeze" else box.thaw()
            except SandboxError as error:
                self._reply({"event": "failed", "message": str(error)})
            else:
                self._reply({"event": "frozen" if op == "freeze" else "thawed"})
        else:
            raise FrameError(f"no request {str(op)[:100]!r} while a box runs")

    def _tell_outcome(self, run: LocalRun) -> None:
        outcome = run.wait()
        self._services.count_end(outcome.status)
        _log_outcome(self._name, outcome)
        with contextlib.suppress(OSError):  # the client may be gone; the log has the line
            self._reply({"event": "outcome", "outcome": wire.outcome_to_wire(outcome)})
            self._sock.shutdown(socket.SHUT_RDWR)

    def _open_pod(self, request: Frame, fds: list[int]) -> None:
        backend = self._services.backend(request.header["backend"])
        name = f"pod-{self._name}"
        with backend.open_pod() as pod, self._services.listed_pod(name, backend.name, pod):
            self._reply({"event": "pod", "name": name})
            log.info("%s: open", name)
            self._until_gone()
        log.info("%s: closed", name)

    def _lease(self, request: Frame, fds: list[int]) -> None:
        header = request.header
        lease = self._services.book.ask(
            cores=header["cores"], gpus=header["gpus"], owner=f"process {peer_of(self._sock).pid}"
        )
        with lease:
            began = time.monotonic()
            for _ in self._patiently():
                if lease.wait(_LOOK_S):
                    break
                if header["wait_s"] is not None and time.monotonic() - began >= header["wait_s"]:
                    raise TimeoutError(f"no {lease.wanted} came free within {header['wait_s']:g} s")
            self._reply({"event": "leased", "cores": lease.cores, "gpus": lease.gpus})
            log.info("%s: leased cores %s, GPUs %s", self._name, lease.cores, lease.gpus)
            self._until_gone()
        log.info("%s: lease over after %.1f s", self._name, time.monotonic() - began)

    def _patiently(self) -> Iterator[int]:
        """Go round until the client is gone; tell it now and then that it still waits. Raises ClientGoneError."""
        told = time.monotonic()
        for turn in itertools.count():
            if self._gone():
                raise ClientGoneError
            if time.monotonic() - told >= wire.WAITING_S:
                told = time.monotonic()
                self._reply({"event": "waiting"})
            yield turn

    def _gone(self) -> bool:
        poller = select.poll()
        poller.register(self._sock, select.POLLIN | select.POLLRDHUP)
        return any(event & (select.POLLRDHUP | select.POLLHUP | select.POLLERR) for _, event in poller.poll(0))

    def _until_gone(self) -> None:
        """Block until the client closes; it has nothing more to say."""
        if recv_frame(self._sock, max_header=wire.MAX_FOLLOW_UP, max_payload=0) is not None:
            raise FrameError("nothing can be asked here: close the connection to end it")

    def _reply(self, header: dict[str, Any]) -> None:
        # No time limit: it would hold for the thread that reads, too. Replies are small and the client is ours.
        with self._sending:
            send_frame(self._sock, header)


def _close_all(fds: list[int]) -> None:
    while fds:
        os.close(fds.pop())


def _log_outcome(name: str, outcome: Outcome) -> None:
    usage = outcome.usage
    log.info(
        "%s %s (%s) wall %.3f s, cpu %.3f s, peak %.1f MiB",
        name, outcome.status, outcome.detail, usage.wall_s, usage.cpu_s, usage.peak_memory_bytes / MIB,
    )  # fmt: skip
