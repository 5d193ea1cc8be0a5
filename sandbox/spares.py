"""Processes made ahead, each in a group of its own: what a box waits for longest is done before it is asked for.

Joining a cgroup makes the kernel wait for every core to pass a quiet point, some 15 ms; a few join together as fast as
one. A spare is used once: it becomes bubblewrap.
"""

from __future__ import annotations

import os
import select
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.accounts import AccountKeeper, FreshAccount
from sandbox.errors import BoxStartError
from sandbox.spawning import Spawner, SpawnerGone
from sandbox.spec import UsageSource

DEPTH = 6
_LOW = 3  # refilled when no more are left, so that a few are always made together
_GATHER_S = 0.02
_READY_S = 10.0
_TRIES = 3
_MOST_FDS = 200  # of one packet
_WORD_BYTES = 4096
_opening = threading.Lock()
_pools: dict[UsageSource, Spares] = {}


@dataclass(slots=True, kw_only=True)
class Spare:
    """One waiting process. `pidfd` and `account` pass to whoever takes it."""

    pid: int
    pidfd: int
    account: FreshAccount
    link: socket.socket
    maker: Spawner

    def tell(self, fds: Sequence[int]) -> None:
        """Hand over all that it needs to become bubblewrap. Raises OSError if it is gone."""
        try:
            for start in range(0, len(fds), _MOST_FDS):
                socket.send_fds(self.link, [b"%d" % len(fds)], fds[start : start + _MOST_FDS])
        finally:
            self.link.close()

    def alive(self) -> bool:
        """It ends with its maker, if a moment later."""
        return self.maker.alive and not _readable(self.pidfd, 0)

    def discard(self) -> None:
        """Let it end, and give back what it holds."""
        self.link.close()
        _readable(self.pidfd, _READY_S)
        os.close(self.pidfd)
        self.account.remove()


class Spares:
    """A few of them, refilled by a thread of its own from the first time that one is taken until `close`."""

    def __init__(self, keeper: AccountKeeper) -> None:
        self._keeper = keeper
        self._inherited: list[object] = []
        self._users = 0
        self._reset()

    def _reset(self) -> None:
        self._changed = threading.Condition()
        self._ready: list[Spare] = []
        self._spawner: Spawner | None = None
        self._thread: threading.Thread | None = None
        self._error: BoxStartError | None = None
        self._closed = False

    def forget_parent(self) -> None:
        """In a forked process all that is here is the parent's: kept, so that nothing is closed, but never used."""
        self._inherited += [*self._ready, self._spawner]
        self._reset()

    def spawner(self) -> Spawner:
        """The process that makes them, alive. Raises BoxStartError."""
        with self._changed:
            return self._live_spawner()

    def take(self) -> Spare:
        """One that is ready, or the next that will be. Raises BoxStartError."""
        for _ in range(DEPTH + _TRIES):
            spare = self._next()
            if spare.alive():
                return spare
            spare.discard()  # the spawner was killed, and this one with it
        raise BoxStartError("processes for boxes end before they can be used")

    def fill(self) -> None:
        """Block until as many are ready as ever will be unasked."""
        with self._changed:
            self._begin()
            dead = [spare for spare in self._ready if not spare.alive()]
            self._ready = [spare for spare in self._ready if spare not in dead]
            self._changed.notify_all()
            while len(self._ready) < DEPTH and self._error is None:
                self._changed.wait(_READY_S)
        for spare in dead:
            spare.discard()

    def joined(self) -> Spares:
        """Itself, with one more user."""
        with self._changed:
            self._users += 1
        return self

    def leave(self) -> None:
        """One user fewer; with the last, `close`."""
        with self._changed:
            self._users -= 1
            last = self._users == 0
        if last:
            self.close()

    def close(self) -> None:
        """End them, their spawner, and with it every box that it made. The next `take` starts anew."""
        with self._changed:
            thread, self._thread, self._closed = self._thread, None, True
            self._changed.notify_all()
        if thread is not None:
            thread.join()
        with self._changed:
            ready, self._ready = self._ready, []
            spawner_, self._spawner = self._spawner, None
            self._closed = False
            self._changed.notify_all()
        for spare in ready:
            spare.discard()
        if spawner_ is not None:
            spawner_.close()

    def _next(self) -> Spare:
        with self._changed:
            while not self._ready:
                self._begin()  # again, if it was closed meanwhile
                if self._error is not None:
                    error, self._error = self._error, None
                    self._changed.notify_all()
                    raise error
                self._changed.wait(_READY_S)
            spare = self._ready.pop(0)
            self._changed.notify_all()
        return spare

    def _begin(self) -> None:
        if self._thread is None and not self._closed:
            self._thread = threading.Thread(target=self._refill, name="sandbox-spares", daemon=True)
            self._thread.start()

    def _refill(self) -> None:
        failures = 0
        while self._wait_for_need():
            made, error = self._make(DEPTH - len(self._ready))
            failures = 0 if made else failures + 1
            # A spawner that was killed is worth another: that is no fault of whoever waits.
            try_again = isinstance(error, SpawnerGone) and failures < _TRIES
            with self._changed:
                self._ready += made
                self._error = None if made or try_again else error
                self._changed.notify_all()

    def _wait_for_need(self) -> bool:
        """False once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or (len(self._ready) < DEPTH and self._error is None))
            self._changed.wait_for(lambda: self._closed or len(self._ready) <= _LOW, _GATHER_S)
            return not self._closed

    def _make(self, count: int) -> tuple[list[Spare], BoxStartError | None]:
        """Up to `count`, which join their groups side by side, and what went wrong with another, if something did."""
        begun: list[Spare] = []
        made: list[Spare] = []
        error: BoxStartError | None = None
        try:
            for _ in range(count):
                begun.append(self._begin_one())  # noqa: PERF401  what has begun must be known
        except BoxStartError as caught:  # told to whoever asks next
            error = caught
        except Exception as caught:  # this thread must go on
            error = BoxStartError(str(caught))
        for spare in begun:
            try:
                _await_ready(spare)
            except BoxStartError as caught:
                error = caught
                spare.discard()
            else:
                made.append(spare)
        return made, error

    def _begin_one(self) -> Spare:
        account = self._keeper.make()
        try:
            return self._fork(account)
        except BaseException:
            account.remove()
            raise

    def _fork(self, account: FreshAccount) -> Spare:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        groups: list[int] = []
        try:
            for file in account.join_files():
                groups.append(os.open(file, os.O_WRONLY | os.O_CLOEXEC))  # noqa: PERF401  what is open must be known
            maker = self.spawner()
            pid, pidfd = maker.spare(groups, theirs.fileno())
        except OSError as error:
            ours.close()
            raise BoxStartError(f"cannot prepare a box: {error}") from error
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
            for fd in groups:
                os.close(fd)
        return Spare(pid=pid, pidfd=pidfd, account=account, link=ours, maker=maker)

    def _live_spawner(self) -> Spawner:
        if self._spawner is None or not self._spawner.alive:
            if self._spawner is not None:
                self._spawner.close()
            self._spawner = Spawner()
        return self._spawner


def shared_spares(keeper: AccountKeeper) -> Spares:
    """The pool of this process for accounts of that kind, joined: every backend here takes from the same one."""
    with _opening:
        return _pools.setdefault(keeper.source, Spares(keeper)).joined()


def _forget_parent() -> None:
    global _opening  # may have been held by a thread that this process does not have
    _opening = threading.Lock()
    for pool in _pools.values():
        pool.forget_parent()


os.register_at_fork(after_in_child=_forget_parent)


def fill_spares() -> None:
    """Block until every pool of this process is full: for whoever counts what is there before and after."""
    for pool in list(_pools.values()):
        pool.fill()


def close_spares() -> None:
    """End every pool of this process."""
    for pool in list(_pools.values()):
        pool.close()


def _await_ready(spare: Spare) -> None:
    spare.link.settimeout(_READY_S)
    try:
        said = spare.link.recv(_WORD_BYTES)
    except ConnectionError:
        said = b""
    except OSError as error:
        raise BoxStartError(f"a process for a box does not get ready: {error}") from error
    if not said:
        raise SpawnerGone("a process for a box ended before it was ready")
    if said != b"r":
        raise BoxStartError(said.decode())


def _readable(fd: int, timeout_s: float) -> bool:
    poller = select.poll()
    poller.register(fd, select.POLLIN)
    return bool(poller.poll(timeout_s * 1000))
