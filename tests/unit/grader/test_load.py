"""The load generator's plans, bytes and accounts; its program is tested in boxes by test_serving.py."""

from __future__ import annotations

import math
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.errors import WrongAnswer
from grader.load.plan import Request, poisson_arrivals
from grader.load.result import LoadResult, Response, parse_result
from grader.load.wire import COLUMNS, Failure, pack_order, pack_result, unpack_order, unpack_result
from grader.rng import Rng

NAN = float("nan")


def response(*, due=0.0, done=0.1, status=200, failure=Failure.NONE, body=b"", events=(), sent=None):
    return Response(due_s=due, sent_s=due if sent is None else sent, first_byte_s=done, done_s=done, status=status,
                    failure=failure, body=body, event_times_s=events)  # fmt: skip


def test_a_request_is_written_as_http():
    assert Request.json("/add", {"a": 1}).raw() == (
        b'POST /add HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 7\r\ncontent-type: application/json\r\n\r\n{"a":1}'
    )


@pytest.mark.parametrize("bad", [{"path": "/a\r\nx: y"}, {"headers": {"a": "b\n"}}, {"method": "GET\r"}])
def test_a_request_cannot_smuggle_a_line(bad):
    with pytest.raises(ValueError, match="line break"):
        Request(**bad).raw()


def test_arrivals_come_at_the_rate_with_exponential_gaps():
    arrivals = poisson_arrivals(Rng.from_seed(1), rate=500, seconds=40)
    gaps = [after - before for before, after in zip([0.0, *arrivals], arrivals, strict=False)]
    assert len(arrivals) == pytest.approx(20_000, rel=0.03)
    assert sum(gap > 1 / 500 for gap in gaps) / len(gaps) == pytest.approx(math.exp(-1), abs=0.02)
    assert arrivals == sorted(arrivals)
    assert max(arrivals) < 40


@pytest.mark.parametrize(("rate", "seconds"), [(0, 1), (1, 0), (-1, 1), (math.inf, 1), (1e6, 1e3)])
def test_arrivals_refuse_what_makes_no_sense(rate, seconds):
    with pytest.raises(ValueError, match=r"must be|more than"):
        poisson_arrivals(Rng.from_seed(1), rate=rate, seconds=seconds)


@given(st.lists(st.tuples(st.floats(0, 1e6), st.binary(max_size=50)), max_size=20))
def test_an_order_comes_back_as_it_was(pairs):
    arrivals, requests = [at for at, _ in pairs], [raw for _, raw in pairs]
    got, raws = unpack_order(pack_order(arrivals, requests), len(pairs))
    assert list(got) == arrivals
    assert raws == requests


@given(st.binary(max_size=200), st.integers(0, 20))
def test_an_arbitrary_result_is_read_or_refused(payload, count):
    try:
        columns, events, bodies = unpack_result(payload, count)
    except ValueError:
        return
    assert len(bodies) == sum(columns["body_bytes"])
    assert len(events) == sum(columns["event_count"])


def test_a_result_is_read_back():
    body = b"data: hel\n\n: wait\n\ndata: lo\n\n"
    columns = {name: array(code) for name, code in COLUMNS.items()}
    for values in ((0.1, 0.2, 0.3, 200, 0, len(body), 3), (NAN, NAN, NAN, 0, 4, 0, 0)):
        for name, value in zip(COLUMNS, values, strict=True):
            columns[name].append(value)
    load = parse_result(pack_result(columns, array("d", [0.25, 0.27, 0.3]), body), [0.05, 0.06], 0.1)
    first, second = load.responses
    assert (first.body, first.status, first.latency_s) == (body, 200, pytest.approx(0.25))
    assert first.first_event_s == pytest.approx(0.2)
    assert first.event_gap_s == pytest.approx(0.05)
    assert second.failure is Failure.TIMEOUT
    assert not second.complete


def test_each_response_is_in_exactly_one_class():
    responses = [
        response(due=0.0, done=0.5, body=b"right"),
        response(due=0.1, done=0.2, body=b""),
        response(due=0.2, done=0.3, status=503),
        response(due=0.3, done=0.4, status=500, body=b"right"),
        response(due=0.4, done=NAN, failure=Failure.TIMEOUT),
        response(due=0.5, done=0.9, body=b"right"),
    ]
    accounts = LoadResult(responses=responses, generator_share=0.0).account(lambda _, answer: answer.body == b"right")
    assert (accounts.good, accounts.wrong, accounts.shed, accounts.failed) == ((0, 5), 2, 1, 1)
    assert accounts.latencies_s == (0.5, pytest.approx(0.4))
    assert accounts.goodput == pytest.approx(2 / 0.9)


def test_latency_counts_from_the_time_that_was_due_not_from_the_sending():
    assert response(due=1.0, sent=3.0, done=3.1).latency_s == pytest.approx(2.1)
    assert LoadResult(responses=[response(due=1.0, sent=3.0)], generator_share=0.0).lag_s() == pytest.approx(2.0)


def test_events_are_read_as_server_sent_events():
    stream = response(
        body=b"event: x\ndata: one\n\ndata: two\r\ndata: lines\r\n\r\n: comment\n\n\n\ndata:\n\ndata: cut off"
    )
    assert stream.events() == ["one", "two\nlines"]


@pytest.mark.parametrize("body", [b"", b"{", b"NaN", b"\xff", b"[" * 100_000])
def test_a_body_that_is_not_json_is_the_servers_fault(body):
    with pytest.raises(WrongAnswer):
        response(body=body).json()
