"""What came of a load, as the judge sees it. Every byte of a body is the candidate's: data to check."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from grader.errors import WrongAnswer
from grader.load.wire import EVENT_END, Failure, unpack_result

SHED_STATUSES = frozenset({429, 503})


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One request's fate. Times are seconds since the load began; NaN where a thing never happened.

    `event_times_s`: when each of `events()` was there, in streaming loads. As the standard has it, an event without
    data (a comment, a blank, an empty token) is none, so nothing is gained by sending one early.
    """

    due_s: float
    sent_s: float
    first_byte_s: float
    done_s: float
    status: int
    failure: Failure
    body: bytes
    event_times_s: tuple[float, ...]

    @property
    def complete(self) -> bool:
        return self.failure is Failure.NONE

    @property
    def shed(self) -> bool:
        """Refused by the server in good order: 429 or 503."""
        return self.complete and self.status in SHED_STATUSES

    @property
    def latency_s(self) -> float:
        """From the time at which the request was due to the last byte of its answer."""
        return self.done_s - self.due_s

    @property
    def first_event_s(self) -> float:
        """Time to the first token: from due to the first event. Raises ValueError where there was none."""
        if not self.event_times_s:
            raise ValueError("the answer held no server-sent event")
        return self.event_times_s[0] - self.due_s

    @property
    def event_gap_s(self) -> float:
        """Time per token after the first: the mean gap between events. Raises ValueError for fewer than two."""
        if len(self.event_times_s) < 2:
            raise ValueError("a gap needs two server-sent events")
        return (self.event_times_s[-1] - self.event_times_s[0]) / (len(self.event_times_s) - 1)

    def json(self) -> Any:
        """The body as strict JSON. Raises WrongAnswer."""
        try:
            return json.loads(self.body.decode(), parse_constant=_refuse)
        except (ValueError, RecursionError):
            raise WrongAnswer("The server's answer is not JSON.") from None

    def events(self) -> list[str]:
        """The data of each server-sent event that has any, and has ended, in order.

        Raises WrongAnswer for a body that is not UTF-8.
        """
        try:
            return [data.decode() for data in map(_data_of, _ended_events(self.body)) if data]
        except UnicodeDecodeError:
            raise WrongAnswer("The server's stream is not UTF-8.") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadResult:
    """All responses in order of arrival. `generator_share`: of one core, used by the load generator meanwhile."""

    responses: Sequence[Response]
    generator_share: float

    @property
    def span_s(self) -> float:
        """From the first arrival to the last answer or, without answers, the last arrival."""
        ends = [response.done_s for response in self.responses if response.complete]
        dues = [response.due_s for response in self.responses]
        return max([*ends, *dues]) - min(dues) if dues else 0.0

    def lag_s(self, share: float = 0.99) -> float:
        """How late requests went out, as a quantile; a wait for a free connection counts, and is the server's doing.

        Large with connections to spare, it means that the load measured the machine, not the server.
        """
        lags = sorted(r.sent_s - r.due_s for r in self.responses if r.sent_s == r.sent_s)
        return lags[min(int(share * len(lags)), len(lags) - 1)] if lags else 0.0

    def account(self, correct: Callable[[int, Response], bool]) -> Accounts:
        """Put each response in exactly one class; `correct` is asked for complete ones with status 200 only."""
        good: list[int] = []
        wrong = shed = failed = 0
        for number, response in enumerate(self.responses):
            if not response.complete:
                failed += 1
            elif response.shed:
                shed += 1
            elif response.status == 200 and correct(number, response):
                good.append(number)
            else:
                wrong += 1
        latencies = tuple(self.responses[number].latency_s for number in good)
        return Accounts(offered=len(self.responses), good=tuple(good), wrong=wrong, shed=shed, failed=failed,
                        latencies_s=latencies, goodput=len(good) / self.span_s if self.span_s > 0 else 0.0)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """`offered` = good + wrong + shed + failed. `latencies_s`: of the good ones. `goodput`: good answers a second."""

    offered: int
    good: tuple[int, ...]
    wrong: int
    shed: int
    failed: int
    latencies_s: tuple[float, ...]
    goodput: float


def parse_result(payload: bytes, arrivals_s: Sequence[float], generator_share: float) -> LoadResult:
    """Raises ValueError for a payload that does not add up."""
    columns, events, bodies = unpack_result(payload, len(arrivals_s))
    responses: list[Response] = []
    event_at = body_at = 0
    for number, due_s in enumerate(arrivals_s):
        event_end = event_at + int(columns["event_count"][number])
        body_end = body_at + int(columns["body_bytes"][number])
        responses.append(_response(columns, number, due_s, bodies[body_at:body_end], tuple(events[event_at:event_end])))
        event_at, body_at = event_end, body_end
    return LoadResult(responses=responses, generator_share=generator_share)


def _response(
    columns: Mapping[str, array[float] | array[int]], number: int, due_s: float, body: bytes, events: tuple[float, ...]
) -> Response:
    return Response(
        due_s=due_s,
        sent_s=columns["sent"][number],
        first_byte_s=columns["first_byte"][number],
        done_s=columns["done"][number],
        status=int(columns["status"][number]),
        failure=Failure(int(columns["failure"][number])),
        body=body,
        event_times_s=tuple(when for when, block in zip(events, _ended_events(body), strict=False) if _data_of(block)),
    )


def _ended_events(body: bytes) -> list[bytes]:
    return EVENT_END.split(body)[:-1]


def _data_of(block: bytes) -> bytes:
    lines = block.replace(b"\r\n", b"\n").split(b"\n")
    return b"\n".join(line[5:].removeprefix(b" ") for line in lines if line.startswith(b"data:"))


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number in JSON")
