"""Feeds hidden experiments to the learner's `decide`, look by look, and counts what it decided.

The worlds stay here: a call carries one look's counts of the streams that still run, in an order drawn for that call,
and nothing that lies ahead. Afterwards a second box, which has seen nothing, is asked some of the same questions again.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np

from grader.api import Bench, Candidate, Rng, WrongAnswer, proportion_ci95

CONTINUE, SHIP, STOP = 0, 1, -1
ALPHA, POWER = 0.05, 0.95  # of the fixed design that a sequential test is compared with
LOOKS = 40
HORIZON = 1.6  # of the fixed sample: what may be used at most
WORLDS = {"null": 0.0, "design": 1.0, "big": 2.0, "harm": -1.0}  # true lift, in units of the design effect
MAX_HARM = 0.02
RECHECK_STREAMS = 100  # of those that a call ended, and as many that it let run
CALL_SECONDS = 10.0

Array = Any  # numpy.ndarray, without asking the annotation to run


class Experiment(NamedTuple):
    """`counts[look]` holds, cumulatively, visitors and conversions of A, then of B: rows of one column a stream."""

    design: dict[str, float | int]
    world: Array  # a name of WORLDS for each stream
    counts: Array  # (LOOKS, 4, streams)


class Question(NamedTuple):
    experiment: Experiment
    look: int
    streams: Array
    answers: Array


class Outcome(NamedTuple):
    """For each stream of an experiment: was B shipped, and visitors used as a share of the fixed design's."""

    world: Array
    shipped: Array
    share: Array


def judge(bench: Bench) -> None:
    experiments = [draw_experiment(bench, number) for number in range(int(bench.sizes["experiments"]))]
    candidate = bench.candidate()
    outcomes, questions = [], []
    for number, experiment in enumerate(experiments):
        bench.progress(f"experiment {number + 1} of {len(experiments)}", number / len(experiments))
        outcome, asked = run_experiment(candidate, experiment, bench.rng.child(f"order-{number}").numpy())
        outcomes.append(outcome)
        questions += asked
    report(bench, Outcome(*(np.concatenate(parts) for parts in zip(*outcomes, strict=True))))
    bench.progress("asking a second box some of the same questions", 0.95)
    recheck(bench, questions)


def draw_experiment(bench: Bench, number: int) -> Experiment:
    """A design, and streams of each world; the planned baseline is a little off the true one, as plans are."""
    rng = bench.rng.child(f"experiment-{number}")
    baseline = 0.05 * 5 ** rng.random()
    effect = baseline * (0.08 + 0.12 * rng.random())
    fixed = fixed_sample_size(baseline, effect)
    design = {
        "alpha": ALPHA,
        "power": POWER,
        "baseline": baseline,
        "effect": effect,
        "fixed_n": fixed,
        "max_n": round(HORIZON * fixed),
        "looks": LOOKS,
    }
    truth = baseline * (0.95 + 0.10 * rng.random())
    world = np.repeat(list(WORLDS), [int(bench.sizes[f"{name}_streams"]) for name in WORLDS])
    lift = effect * np.array([WORLDS[name] for name in world])
    return Experiment(design, world, draw_counts(rng, int(design["max_n"]), truth, truth + lift))


def fixed_sample_size(baseline: float, effect: float) -> int:
    """Visitors per arm of the one-sided fixed test with ALPHA and POWER."""
    z = NormalDist().inv_cdf(1 - ALPHA) + NormalDist().inv_cdf(POWER)
    treated = baseline + effect
    variance = baseline * (1 - baseline) + treated * (1 - treated)
    return int(np.ceil(z**2 * variance / effect**2))


def draw_counts(rng: Rng, per_arm: int, rate_a: float, rate_b: Array) -> Array:
    """Cumulative counts: traffic varies from look to look, and each visitor is assigned by a fair coin."""
    draw = rng.numpy()
    weights = draw.uniform(0.6, 1.4, LOOKS)
    visitors = draw.multinomial(2 * per_arm, weights / weights.sum())
    size = (LOOKS, len(rate_b))
    n_a = draw.binomial(visitors[:, None], 0.5, size)
    n_b = visitors[:, None] - n_a
    steps = [n_a, draw.binomial(n_a, rate_a), n_b, draw.binomial(n_b, rate_b)]
    return np.cumsum(np.stack(steps, axis=1), axis=0).astype(np.int64)


def run_experiment(candidate: Candidate, experiment: Experiment, draw: Any) -> tuple[Outcome, list[Question]]:
    """Ask look after look. A stream that was shipped or stopped is over: it is never asked about again."""
    streams = len(experiment.world)
    shipped = np.zeros(streams, dtype=bool)
    ended_at = np.full(streams, LOOKS - 1)
    running = np.arange(streams)
    questions = []
    for look in range(LOOKS):
        order = draw.permutation(running)
        answers = ask(candidate, experiment, look, order)
        questions.append(Question(experiment, look, order, answers))
        shipped[order[answers == SHIP]] = True
        ended_at[order[answers != CONTINUE]] = look
        running = order[answers == CONTINUE]
        if not len(running):
            break
    used = experiment.counts[ended_at, 0, np.arange(streams)] + experiment.counts[ended_at, 2, np.arange(streams)]
    return Outcome(experiment.world, shipped, used / (2 * experiment.design["fixed_n"])), questions


def ask(candidate: Candidate, experiment: Experiment, look: int, streams: Array) -> Array:
    """One call: the cumulative counts of these streams at this look."""
    counts = [np.ascontiguousarray(row[streams]) for row in experiment.counts[look]]
    answer = candidate.call("decide", experiment.design, look + 1, *counts, timeout_s=CALL_SECONDS)
    return read_answers(answer, len(streams))


def read_answers(answer: object, streams: int) -> Array:
    """Raises WrongAnswer, saying what is wrong, unless there is one CONTINUE, SHIP or STOP for each stream."""
    if not isinstance(answer, np.ndarray | list):
        raise WrongAnswer(f"decide must return an integer array; it returned a {type(answer).__name__}")
    if isinstance(answer, list) and any(type(value) is not int for value in answer):
        raise WrongAnswer("decide returned a list with something else than whole numbers in it")
    answers = np.asarray(answer, dtype=np.int64 if isinstance(answer, list) else None)
    if answers.dtype.kind not in "iu":
        raise WrongAnswer(f"decide must return integers (CONTINUE, SHIP or STOP), not {answers.dtype}")
    if answers.shape != (streams,):
        raise WrongAnswer(f"decide was given {streams} streams and returned an array of shape {answers.shape}")
    strange = np.setdiff1d(answers, [CONTINUE, SHIP, STOP])
    if len(strange):
        raise WrongAnswer(f"decide returned {strange[0]}; only CONTINUE (0), SHIP (1) and STOP (-1) have a meaning")
    return answers.astype(np.int64)


def report(bench: Bench, outcome: Outcome) -> None:
    for name, world in (("false_positive_rate", "null"), ("power", "design")):
        shipped = outcome.shipped[outcome.world == world]
        count, total = int(shipped.sum()), len(shipped)
        bench.metric(name, count / total, samples=total, ci95=proportion_ci95(count, total))
    report_share(bench, outcome)
    harm = outcome.shipped[outcome.world == "harm"]
    bench.check(
        "ships_no_harm",
        bool(harm.mean() <= MAX_HARM),
        f"B was worse in {len(harm)} streams; you shipped it in {int(harm.sum())} of them (allowed: {MAX_HARM:.0%}).",
    )


def report_share(bench: Bench, outcome: Outcome) -> None:
    """The mean of the four worlds' means, so that how many streams a world has does not weigh."""
    shares = [outcome.share[outcome.world == world] for world in WORLDS]
    for world, share in zip(WORLDS, shares, strict=True):
        bench.log(f"true lift {WORLDS[world]:2.0f} x effect: {share.mean():4.0%} of the fixed design's visitors used")
    mean = float(np.mean([share.mean() for share in shares]))
    error = float(np.sqrt(sum(share.var(ddof=1) / len(share) for share in shares))) / len(shares)
    interval = (mean - 1.96 * error, mean + 1.96 * error)
    bench.metric("mean_sample_share", mean, samples=len(outcome.share), ci95=interval)


def recheck(bench: Bench, questions: list[Question]) -> None:
    """The same counts must get the same answer in another box, in another order and in other company."""
    draw = bench.rng.child("recheck").numpy()
    candidate = bench.candidate()
    asked = differs = 0
    for question in choose(draw, questions, int(bench.sizes["rechecks"])):
        some = pick(draw, question.answers)
        again = ask(candidate, question.experiment, question.look, question.streams[some])
        asked += len(some)
        differs += int((again != question.answers[some]).sum())
    feedback = f"{asked} questions were asked again in a fresh process, in another order and in smaller batches; "
    bench.check("decisions_stand_alone", differs == 0, f"{feedback}{differs} answers changed.")


def choose(draw: Any, questions: list[Question], count: int) -> list[Question]:
    """Some questions in random order; one that ended many streams is the likelier to be among them."""
    weights = np.array([1.0 + np.count_nonzero(question.answers) for question in questions])
    chosen = draw.choice(len(questions), min(len(questions), count), replace=False, p=weights / weights.sum())
    return [questions[index] for index in chosen]


def pick(draw: Any, answers: Array) -> Array:
    """Positions to ask again, shuffled: half of them, where there are enough, from the streams that the call ended."""
    ended, let_run = np.flatnonzero(answers != CONTINUE), np.flatnonzero(answers == CONTINUE)
    return draw.permutation(np.concatenate([draw.permutation(part)[:RECHECK_STREAMS] for part in (ended, let_run)]))
