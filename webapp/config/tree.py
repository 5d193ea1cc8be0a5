"""A tree of processes that heals: a part that dies is started again, unless it dies again and again."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
DEATHS, WITHIN_S = 5, 60.0
FIRST_PAUSE_S, GROWTH = 0.1, 4  # 0.1, 0.4, 1.6 and 6.4 s, then the tree gives up
STOP_S = 8.0  # what a part has to end in after SIGTERM
LAST_LINES_S = 1.0  # a process outside its session may hold its output open
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # a closed terminal stops the tree as Ctrl-C does
LIBC = ctypes.CDLL(None)  # loaded here: nothing may be loaded between fork and exec


def die_with_parent() -> None:
    """Runs in a child: a killed supervisor leaves nothing behind."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Part:
    """One process of the tree, with what it started: its session is its own."""

    def __init__(self, name: str, argv: Sequence[str], *, env: Mapping[str, str], cwd: Path) -> None:
        self.name, self.argv, self.env, self.cwd = name, argv, env, cwd
        self.process: subprocess.Popen[bytes] | None = None
        self.output: threading.Thread | None = None
        self.due: float | None = None  # when it is to be started again, by the monotonic clock
        self.deaths: deque[float] = deque(maxlen=DEATHS)

    def start(self, printer: Printer) -> None:
        # From the main thread: to the kernel the parent is the thread that forks, and parts die with it.
        self.process = subprocess.Popen(
            self.argv, cwd=self.cwd, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=die_with_parent,
        )  # fmt: skip
        self.due = None
        assert self.process.stdout is not None
        self.output = printer.follow(self.name, self.process.stdout)

    def exit_code(self) -> int | None:
        """As subprocess has it: negative for a signal, None while it runs or waits to be started again."""
        return None if self.process is None else self.process.poll()

    def bury(self, now: float) -> int:
        """End what the dead process left of its session; returns how often it has died within the last minute."""
        self.end_session()
        self.process = None
        self.deaths.append(now)
        deaths = sum(died > now - WITHIN_S for died in self.deaths)
        self.due = now + FIRST_PAUSE_S * GROWTH ** (deaths - 1)
        return deaths

    def end_session(self) -> None:
        """Kill what is left of it, and wait until all that it wrote is printed."""
        assert self.process is not None
        assert self.output is not None
        self.send(signal.SIGKILL)
        self.process.wait()
        self.output.join(LAST_LINES_S)

    def send(self, number: int) -> None:
        """SIGKILL goes to the whole session, any other signal to its first process, which knows its children."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            if number == signal.SIGKILL:
                os.killpg(self.process.pid, number)
            elif self.process.poll() is None:
                os.kill(self.process.pid, number)


class Printer:
    """Writes the lines of all parts to one stream, each with time and name, or each as one JSON object."""

    def __init__(self, names: Collection[str], *, as_json: bool) -> None:
        self.width = max(map(len, names), default=0)
        self.lock = threading.Lock()
        self.as_json = as_json

    def say(self, name: str, text: str) -> None:
        with self.lock:
            print(json_line(name, text) if self.as_json else self.text_line(name, text), flush=True)

    def text_line(self, name: str, text: str) -> str:
        return f"{time.strftime('%H:%M:%S')} {name:<{self.width}} | {text}"

    def follow(self, name: str, lines: IO[bytes]) -> threading.Thread:
        thread = threading.Thread(target=self.copy, args=(name, lines), daemon=True, name=f"log-{name}")
        thread.start()
        return thread

    def copy(self, name: str, lines: IO[bytes]) -> None:
        """Until the last process that writes there has gone."""
        with lines:
            for line in lines:
                self.say(name, line.decode(errors="replace").rstrip("\n"))


class Tree:
    """Parts that run together. `last` names those that the others need to end well: they are stopped after them."""

    def __init__(
        self,
        parts: Mapping[str, Sequence[str]],
        *,
        env: Mapping[str, str],
        cwd: Path,
        last: Collection[str],
        as_json: bool = False,
    ) -> None:
        self.parts = [Part(name, argv, env=env, cwd=cwd) for name, argv in parts.items()]
        self.last = last
        self.printer = Printer([*parts, "tree"], as_json=as_json)
        self.stopped = self.failed = False
        self.wakeup, self._wake = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def run(self) -> int:
        """Until a signal of STOPS (0), or until a part has died too often (1). Nothing is left then."""
        self.listen()
        try:
            for part in self.parts:
                part.start(self.printer)
            while not (self.stopped or self.failed):
                self.wait()
                self.heal()
        finally:
            self.stop()
        return 1 if self.failed else 0

    def listen(self) -> None:
        """Signals write to a pipe, whichever thread the kernel gives them to."""
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in STOPS:
            signal.signal(number, self.on_stop)

    def on_stop(self, *_: object) -> None:
        self.stopped = True

    def wait(self) -> None:
        """Until a signal comes or a part is to be started."""
        due = min((part.due for part in self.parts if part.due is not None), default=None)
        select.select([self.wakeup], [], [], None if due is None else max(0.0, due - time.monotonic()))
        with contextlib.suppress(BlockingIOError):
            os.read(self.wakeup, 4096)

    def heal(self) -> None:
        for part in self.parts:
            code = part.exit_code()
            if code is not None:
                self.on_death(part, code)
            elif part.due is not None and part.due <= time.monotonic():
                part.start(self.printer)

    def on_death(self, part: Part, code: int) -> None:
        deaths = part.bury(time.monotonic())
        what = f"{part.name} ended ({how(code)})"
        if deaths >= DEATHS:
            self.failed = True
            self.printer.say("tree", f"{what} {deaths} times within {WITHIN_S:.0f} s: giving up. Its lines say why.")
        else:
            self.printer.say("tree", f"{what}; it is started again, try {deaths} of {DEATHS - 1} within a minute")

    def stop(self) -> None:
        """SIGTERM, then SIGKILL; first the parts that use the others."""
        for services in (False, True):
            wave = [part for part in self.parts if part.process is not None and (part.name in self.last) == services]
            self.stop_all(wave)

    def stop_all(self, parts: Sequence[Part]) -> None:
        for part in parts:
            part.send(signal.SIGTERM)
        deadline = time.monotonic() + STOP_S
        for part in parts:
            assert part.process is not None
            try:
                part.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.printer.say("tree", f"{part.name} did not end within {STOP_S:.0f} s; it is killed")
            part.end_session()


def json_line(name: str, text: str) -> str:
    """A part's own object with its name, or an object around what it wrote as text."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        found = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "level": "INFO", "message": text}
    return json.dumps({**found, "part": name})


def how(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"
