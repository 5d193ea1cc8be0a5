"""What to send, and when."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from grader.load.wire import MAX_REQUESTS
from grader.rng import Rng


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP/1.1 request. `path` as on the wire, so already quoted."""

    method: str = "POST"
    path: str = "/"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, path: str, value: object) -> Request:
        """A POST of `value` as JSON. Raises ValueError for what JSON cannot say."""
        body = json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
        return cls(path=path, body=body, headers={"content-type": "application/json"})

    def raw(self) -> bytes:
        """The bytes that go out. Raises ValueError for a line break where none may be."""
        lines = [f"{self.method} {self.path} HTTP/1.1", "host: 127.0.0.1", f"content-length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if any("\r" in line or "\n" in line for line in lines):
            raise ValueError("a request's method, path and headers hold no line break")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


def poisson_arrivals(rng: Rng, *, rate: float, seconds: float) -> list[float]:
    """Arrival times in [0, seconds) of a Poisson process with `rate` arrivals a second: exponential gaps.

    Raises ValueError for a rate or time that is not positive, or for more than 200,000 expected arrivals.
    """
    if not (rate > 0 and seconds > 0 and math.isfinite(rate * seconds)):
        raise ValueError(f"rate and seconds must be positive numbers, not {rate} and {seconds}")
    if rate * seconds > MAX_REQUESTS:
        raise ValueError(f"{rate * seconds:.0f} expected requests are more than {MAX_REQUESTS}")
    arrivals: list[float] = []
    at = _gap(rng, rate)
    while at < seconds and len(arrivals) < MAX_REQUESTS:
        arrivals.append(at)
        at += _gap(rng, rate)
    return arrivals


def _gap(rng: Rng, rate: float) -> float:
    return -math.log(1.0 - rng.random()) / rate
