"""Watches one running box: ends it at a limit, notices how it ended, leaves nothing behind."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import subprocess
import threading
import time
import weakref

from sandbox.accounts import Account, Reading
from sandbox.spec import MIB, BoxSpec, Outcome, Status, Usage

_GONE_S = 2.0
_live: weakref.WeakSet[Monitor] = weakref.WeakSet()
_SIGNAL_BASE = 128  # bubblewrap reports death by signal N as exit status 128 + N


class Monitor:
    """Owns the outer process, the status pipe and the account of one box; its thread ends with the box."""

    def __init__(self, spec: BoxSpec, popen: subprocess.Popen[bytes], status_fd: int, account: Account) -> None:
        self._spec = spec
        self._popen = popen
        self._status_fd = status_fd
        self._account = account
        self._started = time.monotonic()
        self._ended: float | None = None
        self._status: dict[str, object] = {}
        self._partial = b""
        self._inner: int | None = None  # pidfd of the box's first process
        self._inner_pid: int | None = None
        self._outer = os.pidfd_open(popen.pid)
        self._asked_to_die = threading.Event()
        self._lock = threading.Lock()
        self._reading = Reading(cpu_s=0.0, peak_memory_bytes=0, out_of_memory=False)
        self._done = threading.Event()
        self._outcome: Outcome | None = None
        self._wake_r, self._wake_w = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        account.attach(popen.pid, None)
        _live.add(self)
        self._thread = threading.Thread(target=self._watch, name=f"box-{popen.pid}", daemon=True)
        self._thread.start()

    def wait(self) -> Outcome:
        self._done.wait()
        assert self._outcome is not None
        return self._outcome

    def usage(self) -> Usage:
        with self._lock:
            if self._ended is None:
                self._reading = self._account.read()
            return self._usage()

    def kill(self) -> None:
        """End the box and wait until it is gone."""
        self._asked_to_die.set()
        with self._lock:
            if self._ended is None:
                os.write(self._wake_w, b"k")
        if threading.current_thread() is not self._thread:
            self._done.wait()

    def _usage(self) -> Usage:
        return Usage(
            wall_s=(self._ended or time.monotonic()) - self._started,
            cpu_s=self._reading.cpu_s,
            peak_memory_bytes=self._reading.peak_memory_bytes,
            source=self._account.source,
        )

    def _watch(self) -> None:
        reason: tuple[Status, str] | None = None
        trouble = ""
        try:
            reason = self._until_over()
        except Exception as error:  # the box must end and the waiter be told, whatever happened
            trouble = f"watching the box failed: {error}"
        try:
            self._end()
        except Exception as error:  # as above
            trouble = trouble or f"ending the box failed: {error}"
        self._outcome = self._judge(reason, trouble)
        self._done.set()

    def _until_over(self) -> tuple[Status, str] | None:
        """Block until the box has ended (None) or must end (why)."""
        poller = select.poll()
        for fd in (self._outer, self._status_fd, self._wake_r):
            poller.register(fd, select.POLLIN)
        while True:
            ready = {fd for fd, _ in poller.poll(self._pause_ms())}
            if self._status_fd in ready and not self._read_status():
                poller.unregister(self._status_fd)
            if self._asked_to_die.is_set():
                return "killed", "the box was ended on request"
            if self._outer in ready:
                return None
            if reason := self._limit_hit():
                return reason

    def _pause_ms(self) -> float:
        left = self._started + self._spec.wall_s - time.monotonic()
        return max(0.0, min(self._account.poll_s, left)) * 1000

    def _limit_hit(self) -> tuple[Status, str] | None:
        with self._lock:
            self._reading = self._account.read()
        if time.monotonic() - self._started >= self._spec.wall_s:
            return "wall_limit", f"still running after {self._spec.wall_s:g} s"
        return self._use_limit_hit()

    def _use_limit_hit(self) -> tuple[Status, str] | None:
        if self._reading.out_of_memory:
            return "memory_limit", f"used more than {self._spec.memory_bytes // MIB} MiB of memory"
        if self._spec.cpu_s is not None and self._reading.cpu_s >= self._spec.cpu_s:
            return "cpu_limit", f"used {self._spec.cpu_s:g} CPU seconds"
        return None

    def _read_status(self) -> bool:
        """Take in what bubblewrap reports; False at the end."""
        chunk = os.read(self._status_fd, 4096)
        *lines, self._partial = (self._partial + chunk).split(b"\n")
        for line in lines:
            self._status.update(json.loads(line))
        child = self._status.get("child-pid")
        if isinstance(child, int) and self._inner is None:
            with contextlib.suppress(ProcessLookupError):
                self._inner = os.pidfd_open(child)
                self._inner_pid = child
            self._account.attach(self._popen.pid, child)
        return bool(chunk)

    def _end(self) -> None:
        """Kill what is left, collect the last figures, give everything back."""
        self._await_child()
        self._kill_all()
        self._popen.wait()
        self._reap_inner()
        while self._read_status():
            pass
        with self._lock:
            self._reading = self._last_reading()
            self._ended = time.monotonic()
            for fd in (self._wake_r, self._wake_w, self._outer, self._status_fd):
                os.close(fd)
            if self._inner is not None:
                os.close(self._inner)
        self._account.remove()

    def _reap_inner(self) -> None:
        """Killed first, bubblewrap leaves its child unreaped; where we are the subreaper (boxd), it is ours to reap."""
        if self._inner_pid is not None:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._inner_pid, 0)

    def _await_child(self) -> None:
        """Bubblewrap's child cannot die with it before it has said so to the kernel: wait until we know who it is."""
        deadline = time.monotonic() + _GONE_S
        poller = select.poll()
        poller.register(self._status_fd, select.POLLIN)
        while self._inner is None and self._popen.poll() is None and time.monotonic() < deadline:
            if poller.poll(50) and not self._read_status():
                return

    def _kill_all(self) -> None:
        """Pid 1 of the box first: the kernel ends everything in its pid namespace with it."""
        deadline = time.monotonic() + _GONE_S
        if self._inner is not None:
            _kill(self._inner)
        for pid in self._account.members():
            _kill_pid(pid)
        _kill(self._outer)
        if self._inner is not None:
            _await_exit(self._inner, deadline)
        while self._account.members() not in ([], [self._popen.pid]) and time.monotonic() < deadline:
            time.sleep(0.002)

    def _last_reading(self) -> Reading:
        last = self._account.read()
        return Reading(
            cpu_s=max(last.cpu_s, self._reading.cpu_s),
            peak_memory_bytes=max(last.peak_memory_bytes, self._reading.peak_memory_bytes),
            out_of_memory=last.out_of_memory,
        )

    def _judge(self, reason: tuple[Status, str] | None, trouble: str) -> Outcome:
        if trouble or "launcher-error" in self._status:
            return self._made("box_error", trouble or f"the box could not be set up: {self._status['launcher-error']}")
        # A limit can be hit in the last moment before the end: the final figures decide.
        if reason is not None and reason[0] == "killed" and self._reading.out_of_memory:
            reason = None  # the kernel ended a process for its memory before we were asked to end the box
        reason = reason or self._use_limit_hit()
        if reason is not None:
            return self._made(*reason)
        code = self._status.get("exit-code")
        if not isinstance(code, int):
            return self._made("box_error", "bubblewrap could not set the box up; its error output says why")
        if code > _SIGNAL_BASE:
            return self._made("signalled", f"ended by {_signal_name(code - _SIGNAL_BASE)}", number=code - _SIGNAL_BASE)
        return self._made("exited", f"exited with code {code}", code=code)

    def _made(self, status: Status, detail: str, *, code: int | None = None, number: int | None = None) -> Outcome:
        return Outcome(status=status, exit_code=code, signal=number, usage=self._usage(), detail=detail)


@atexit.register
def _kill_live() -> None:
    """The kernel kills what runs when we end; this also gives back cgroups."""
    for monitor in list(_live):
        monitor.kill()


def _kill(pidfd: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)


def _await_exit(pidfd: int, deadline: float) -> None:
    """Wait for a pid 1: its descriptor becomes readable only when its whole pid namespace is dead."""
    poller = select.poll()
    poller.register(pidfd, select.POLLIN)
    poller.poll(max(0.0, deadline - time.monotonic()) * 1000)


def _kill_pid(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
