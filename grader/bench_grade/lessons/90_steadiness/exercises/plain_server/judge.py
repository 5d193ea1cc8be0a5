"""A load that any server bears, to measure the load generator itself."""

from __future__ import annotations

from grader.api import Bench, Request, poisson_arrivals


def judge(bench: Bench) -> None:
    server = bench.candidate().serve(ready_s=20)
    arrivals = poisson_arrivals(bench.rng, rate=bench.sizes["rate"], seconds=bench.sizes["seconds"])
    load = server.load([Request(method="GET")] * len(arrivals), arrivals, connections=64, timeout_s=5.0)
    accounts = load.account(lambda _number, response: response.body == b"ok")
    bench.metric("good_share", len(accounts.good) / accounts.offered, samples=accounts.offered)
    bench.metric("generator_share", load.generator_share)
    bench.metric("lag_p50_ms", 1000 * load.lag_s(0.5), samples=accounts.offered)
    bench.metric("lag_p99_ms", 1000 * load.lag_s(0.99), samples=accounts.offered)
