"""Twenty learners who submit over HTTP at the same time, and try again when the site does not answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from tests.site_process import Site

NOTHING = "90_steadiness/nothing"
PROGRAM = {"main.py": "def give_back(value):\n    return value\n"}
TOKEN = "b" * 32
PATIENCE_S = 240.0


@dataclass(slots=True)
class Flow:
    """What the site answered. `promised`: runs that it said it has. `odd`: answers that no page should get."""

    promised: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    unreached: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def promise(self, run: str) -> None:
        with self.lock:
            self.promised.append(run)

    def note(self, answer: str) -> None:
        with self.lock:
            self.odd.append(answer)

    def await_promised(self, count: int) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while len(self.promised) < count:
            assert time.monotonic() < deadline, f"{len(self.promised)} of {count} were accepted: {self.odd[-3:]}"
            time.sleep(0.05)


class Learner:
    """One of the crowd; for one thread."""

    def __init__(self, site: Site, session: str) -> None:
        self.site, self.cookies = site, {"sessionid": session, "csrftoken": TOKEN}
        self.http = httpx.Client(base_url=site.url, timeout=40, cookies=self.cookies)

    def post(self, exercise: str, files: dict[str, str], tier: str) -> httpx.Response:
        data = {f"file:{name}": text for name, text in files.items()} | {"tier": tier}
        headers = {"X-CSRFToken": TOKEN, "Referer": self.site.url, "Accept": "application/json"}
        return self.http.post(f"/lessons/{exercise}/submissions/", data=data, headers=headers)

    def submit(self, flow: Flow, exercise: str = NOTHING, files: dict[str, str] = PROGRAM, tier: str = "smoke") -> str:
        """Until it is accepted; returns the run."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                answer = self.post(exercise, files, tier)
            except httpx.TransportError:
                flow.unreached += 1
            else:
                if answer.status_code == 201:
                    flow.promise(answer.json()["run"])
                    return str(answer.json()["run"])
                if answer.status_code != 422:  # 422: as many runs wait as one may have
                    flow.note(f"{answer.status_code}: {answer.text[:300]}")
            time.sleep(0.3)
        raise AssertionError(f"nothing was accepted in {PATIENCE_S:.0f} s: {flow.odd[-3:]}")


class Crowd:
    def __init__(self, site: Site, sessions: Sequence[str]) -> None:
        self.learners = [Learner(site, session) for session in sessions]

    def close(self) -> None:
        for learner in self.learners:
            learner.http.close()

    @contextmanager
    def flowing(self, count: int, tier_of: Callable[[int], str] = lambda number: "smoke") -> Iterator[Flow]:
        """Submissions come in while the context is open; all are accepted at its end."""
        flow = Flow()
        threads = [
            threading.Thread(target=self.share, args=(flow, place, count, tier_of), daemon=True)
            for place in range(len(self.learners))
        ]
        for thread in threads:
            thread.start()
        yield flow
        for thread in threads:
            thread.join(PATIENCE_S)
        assert len(flow.promised) >= count, f"{len(flow.promised)} of {count} were accepted: {flow.odd[-3:]}"

    def share(self, flow: Flow, place: int, count: int, tier_of: Callable[[int], str]) -> None:
        for number in range(place, count, len(self.learners)):
            self.learners[place].submit(flow, tier=tier_of(number))
