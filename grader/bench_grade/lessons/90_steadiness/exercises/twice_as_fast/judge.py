"""Program and baseline turn by turn: the ratio of their CPU times."""

from __future__ import annotations

from grader.api import Bench, Candidate, measures


def judge(bench: Bench) -> None:
    steps = 2 * (int(bench.sizes["steps"]) // 2)

    def turn(program: Candidate, number: int) -> None:
        bench.check("right", program.call("count_odd", steps + 2 * number) == steps // 2 + number, "A wrong count.")

    # Many short turns: what else the machine does comes and goes, and hits neighbours in time alike.
    rounds = bench.interleave("slow", turn)
    bench.metric("speedup", measures.cpu_ratio(rounds, "speedup"))
