"""A probe, a load of sums, then streams of tokens whose first one is timed."""

from __future__ import annotations

from statistics import median

from grader.api import Bench, Request, Server, WrongAnswer, measures, poisson_arrivals

STREAMS = 5


def judge(bench: Bench) -> None:
    server = bench.candidate().serve(ready_s=10)
    probe = server.request(Request.json("/next", {"a": 20, "b": 22}), timeout_s=2.0)
    if probe.body != b"42":
        raise WrongAnswer("POST /next with 20 and 22 was not answered with 42.")
    load(bench, server)
    stream(bench, server)


def load(bench: Bench, server: Server) -> None:
    arrivals = poisson_arrivals(bench.rng, rate=bench.sizes["rate"], seconds=bench.sizes["seconds"])
    numbers = [(bench.rng.integers(0, 1000), bench.rng.integers(0, 1000)) for _ in arrivals]
    requests = [Request.json("/next", {"a": a, "b": b}) for a, b in numbers]
    result = server.load(requests, arrivals, connections=8, timeout_s=2.0)
    accounts = result.account(lambda number, response: response.body == str(sum(numbers[number])).encode())
    bench.log(f"{accounts.offered} offered, {accounts.wrong} wrong, {accounts.shed} shed, {accounts.failed} failed")
    bench.metric("good_share", len(accounts.good) / accounts.offered, samples=accounts.offered)
    failed = accounts.offered - len(accounts.good)
    p90 = measures.latency_percentile(accounts.latencies_s, 90, failed=failed, timeout_s=2.0)
    bench.metric("p90_ms", p90.scaled(1000, "ms"))


def stream(bench: Bench, server: Server) -> None:
    starts = [bench.rng.integers(0, 1000) for _ in range(STREAMS)]
    requests = [Request.json("/stream", {"start": start}) for start in starts]
    arrivals = [0.25 * number for number in range(STREAMS)]
    result = server.load(requests, arrivals, connections=STREAMS, timeout_s=2.0, stream=True)
    whole = [
        response.complete and response.events() == [str(start + step) for step in range(5)]
        for start, response in zip(starts, result.responses, strict=True)
    ]
    bench.check("streams", all(whole), "The tokens are not the five that were asked for.")
    firsts = [response.first_event_s if response.event_times_s else 2.0 for response in result.responses]
    bench.metric("first_token_ms", 1000 * median(firsts), samples=STREAMS)
