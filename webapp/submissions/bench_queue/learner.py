"""A learner's page without the browser: sends a submission, follows its live log, fetches the numbers."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode

from websockets.sync.client import connect

from grader.bench_grade.steadiness import CannotMeasure
from webapp.submissions.bench_queue.site import LESSON, SLUG

PROGRAM = {"file:main.py": "def give_back(value):\n    return value\n"}
_WAIT_S = 120.0
_TOKEN = "b" * 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """Seconds since the click, in their order."""

    accepted_s: float
    started_s: float
    verdict_s: float
    shown_s: float  # the page has the numbers


class Learner:
    """One person; not for several threads at once."""

    def __init__(self, port: int, session: str) -> None:
        self._port = port
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=_WAIT_S)
        self._cookie = f"sessionid={session}; csrftoken={_TOKEN}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def click(self, tier: str = "smoke") -> Click:
        """Submit the program that does nothing and wait for all that its page shows. Raises CannotMeasure."""
        began = time.monotonic()
        made = json.loads(self._send("POST", f"/lessons/{LESSON}/{SLUG}/submissions/", 201, tier))
        accepted = time.monotonic()
        started, verdict = self._follow(made["ws_url"])
        self._send("GET", made["panel_url"], 200)
        times = [moment - began for moment in (accepted, started, verdict, time.monotonic())]
        return Click(**dict(zip(("accepted_s", "started_s", "verdict_s", "shown_s"), times, strict=True)))

    def _follow(self, path: str) -> tuple[float, float]:
        """When it was seen to start, and to end."""
        started = 0.0
        headers = {"Cookie": self._cookie, "Origin": f"http://127.0.0.1:{self._port}"}
        with connect(f"ws://127.0.0.1:{self._port}{path}", additional_headers=headers, open_timeout=_WAIT_S) as live:
            while True:
                message: dict[str, Any] = json.loads(live.recv(timeout=_WAIT_S))
                if not started and is_start(message):
                    started = time.monotonic()
                if message["type"] == "done":
                    if message["verdict"] != "passed":
                        raise CannotMeasure(f"a program that does nothing ended as {message['verdict']}")
                    return started or time.monotonic(), time.monotonic()

    def _send(self, method: str, path: str, wanted: int, tier: str = "") -> bytes:
        headers = {"Cookie": self._cookie, "Accept": "application/json", "X-CSRFToken": _TOKEN}
        body = None
        if method == "POST":
            body = urlencode({**PROGRAM, "tier": tier})
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self._http.close()  # the site has closed it itself where a verdict took long
        self._http.request(method, path, body=body, headers=headers)
        answer = self._http.getresponse()
        text = answer.read()
        if answer.status != wanted:
            raise CannotMeasure(f"{method} {path} answered {answer.status}: {text[:500]!r}")
        return text


def is_start(message: dict[str, Any]) -> bool:
    """Whether the page shows by it that the run has begun."""
    return bool(message["type"] == "line" or (message["type"] == "status" and message["status"] == "running"))
