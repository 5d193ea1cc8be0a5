"""Follows a run as its page does: over a socket that it opens again whenever it breaks, never by a reload."""

from __future__ import annotations

import json
import threading
import time

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from tests.chaos.crowd import TOKEN, Learner


class Watcher(threading.Thread):
    def __init__(self, learner: Learner, run: str, timeout_s: float = 200) -> None:
        super().__init__(daemon=True)
        self.learner, self.run_id, self.deadline = learner, run, time.monotonic() + timeout_s
        self.numbers: list[int] = []
        self.verdict = ""
        self.reconnects = 0
        self.start()

    def run(self) -> None:
        while not self.verdict and time.monotonic() < self.deadline:
            try:
                self.follow()
            except (WebSocketException, OSError, TimeoutError):
                self.reconnects += 1
                time.sleep(0.5)

    def follow(self) -> None:
        site = self.learner.site
        cookie = f"sessionid={self.learner.cookies['sessionid']}; csrftoken={TOKEN}"
        after = self.numbers[-1] if self.numbers else 0
        address = f"{site.url.replace('http', 'ws')}/ws/runs/{self.run_id}/?after={after}"
        with connect(address, additional_headers={"Cookie": cookie, "Origin": site.url}, open_timeout=10) as live:
            while not self.verdict:
                message = json.loads(live.recv(timeout=max(0.1, self.deadline - time.monotonic())))
                if "n" in message:
                    self.numbers.append(message["n"])
                if message["type"] == "done":
                    self.verdict = message["verdict"]

    def faults(self, verdict: str) -> list[str]:
        """After the run: what it saw must be the truth, and every line once."""
        self.join(max(0.0, self.deadline - time.monotonic()))
        faults = [] if self.verdict == verdict else [f"run {self.run_id} is {verdict}; its page shows {self.verdict!r}"]
        if self.numbers != sorted(set(self.numbers)):
            faults.append(f"the page of run {self.run_id} shows lines twice or out of order: {self.numbers}")
        return faults
