"""Trains the learner's program in legs on changing numbers of ranks, and computes the same steps in one process.

What a rank says of itself is never read. Weights and Adam's moments come from the checkpoints. The drill begins from a
checkpoint that was made here, with moments that no training leaves and a newer one beside it that is torn, so nothing
but reading it leads to the right end; of the run one part is drawn and computed again from where it began.

Memory is the kernel's peak of the whole box, less that of an equal box in which our own program trains a narrow model:
interpreters and libraries. Files lie in the box's memory, too, so a checkpoint counts.

What is not hidden: the text is Python's library, held-out files included, and it lies in every box. Nobody wins by
reading it, for the steps and their batches are fixed, and a part that took others does not end where it should. What is
not seen: the rank dies in kit.write_pieces, in the learner's process, which could refuse to.
"""

from __future__ import annotations

import hashlib
import json
import math
import sysconfig
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.utils import get_total_norm

from grader.api import Bench, Candidate, CandidateError, Rng, TrainResult, WrongAnswer, measures
from grader.api import read_safetensors as read_tensors
from grader.api import write_safetensors as write_tensors

KINDS = ("weight", "exp_avg", "exp_avg_sq")
BETAS, EPS = (0.9, 0.95), 1e-8
SAME = {"smoke": 2e-4, "cpu": 1e-3}  # of the way that weights and moments went; the threshold of state_error
WORST = 99.0  # an error is not shown beyond this
NARROW, RATE = 16, 1.2e-2  # the width of the model whose box is the base of the memory measure; the learning rate
PARTS = 15  # of the run: a checkpoint after each
SHARE_SLACK = 1.3  # a rank's file against 1/N of the state: who cuts by rows cannot cut evenly
SKIPPED = {"site-packages", "dist-packages", "test", "tests", "idlelib", "lib2to3", "__pycache__"}
PLAN_KEYS = ("stage", "micro_batch", "rounds", "bytes_per_gpu", "step_seconds", "days", "dollars")
Job = Mapping[str, Any]
State = dict[str, Tensor]  # "kind/parameter" → its elements, flat
Files = Mapping[str, bytes]


class GateError(Exception):
    """A gate failed and was reported: nothing more is worth measuring."""


class Examiner:
    """What the stages share: the bench, the text, and the largest error up to now."""

    def __init__(self, bench: Bench, text: bytes) -> None:
        self.bench, self.text, self.worst = bench, text, 0.0

    def leg(self, program: Candidate, job: Job, world: int, mode: str, given: Files, *steps: int) -> TrainResult:
        """`steps`: whose checkpoints are handed over; the last one's without it."""
        told = {"data/job.json": json.dumps(job).encode(), "data/world.json": json.dumps(world).encode()}
        limit, outputs = 24 * params_of(job) + 100_000, {}  # room for what is not sharded, so that the judge can say so
        for step in steps or [job["last"]]:
            outputs |= {file_name(step, rank, world): limit for rank in range(world)} | {f"step-{step:05}/DONE": 200}
        return program.train(argv=[mode], files={**told, "data/train.bin": self.text, **given}, outputs=outputs)

    def compare(self, what: str, job: Job, begin: int, start: State, found: State) -> None:
        """With the same steps in one process. Raises GateError."""
        errors = state_errors(run_steps(job, self.text, begin, start), found, start)
        self.worst = max(self.worst, *errors.values())
        parts = ", ".join(f"{kind} {min(error, WORST):.2%}" for kind, error in errors.items())
        text = f"{what}: off by {parts} of the way that they went; rounding leaves less than 0.01 %"
        self.bench.check("same_as_one_process", self.worst <= SAME[self.bench.tier], text)
        if self.worst > SAME[self.bench.tier]:
            raise GateError


def judge(bench: Bench) -> None:
    torch.set_num_threads(1)
    judge_plans(bench)
    text, held_out = corpus(bench)
    examiner, job = Examiner(bench, text), draw_job(bench.rng.child("job"), bench.sizes)
    try:
        drill(examiner, job)
        bench.metric("bytes_per_parameter", memory(examiner, job))
        if bench.sizes["legs"]:
            bench.metric("bits_per_byte", held_out_bits(bench, job, relay(examiner, job), held_out))
    except GateError:
        bench.log("A gate failed; nothing more is measured.")
    if examiner.worst:
        bench.metric("state_error", min(WORST, examiner.worst), provenance="recomputed")


def draw_job(rng: Rng, sizes: Mapping[str, float]) -> Job:
    shape = {key: int(sizes[key]) for key in ("layers", "width", "heads", "context")}
    steps = int(sizes["steps"])
    schedule = {"last": steps, "save_at": [steps], "horizon": steps, "warm_up": 8}
    recipe = {"batch": int(sizes["batch"]), "rate": RATE * (0.9 + 0.2 * rng.random()), "decay": 0.05, "clip": 1.0}
    return {"shape": shape, "seed": rng.integers(0, 2**31), **schedule, **recipe}


def drill(examiner: Examiner, job: Job) -> None:
    """A checkpoint of ours, cut for three ranks; one of four dies while it saves; two finish."""
    bench, rng = examiner.bench, examiner.bench.rng.child("drill")
    begin = 3 + rng.integers(0, 6)
    start = drawn_state(job, rng)
    norm = float(get_total_norm(gradients(job, examiner.text, begin, start)))
    drilled = {**job, "clip": norm * (0.4 + 0.3 * rng.random()), "last": begin + 4}  # the clip bites
    drilled["save_at"] = [begin + 2, begin + 3, begin + 4]
    orders = {"first": 4, "then": 2, "rank": rng.integers(0, 4), "step": begin + 3}
    torn = checkpoint_files(begin + 1, drawn_state(job, rng.child("torn")), 3)
    files = checkpoint_files(begin, start, 3) | {name: data for name, data in torn.items() if "rank-0" in name}
    files["data/drill.json"] = json.dumps(orders).encode()
    bench.progress("a rank dies while it saves", 0.1)
    try:
        result = examiner.leg(bench.candidate(), drilled, 2, "drill", files)
    except CandidateError as problem:
        bench.check("survives_a_killed_rank", False, problem.message[-600:])
        raise GateError from None
    bench.check("survives_a_killed_rank", True)
    examiner.compare("after the drill", drilled, begin, start, read_checkpoint(drilled, 2, result.artefacts))


def memory(examiner: Examiner, job: Job) -> float:
    """Bytes that a rank of four needs for each parameter of a wide model, beyond what a narrow one of ours needs."""
    bench, narrow = examiner.bench, memory_job(job, NARROW)
    wide = memory_job(job, int(bench.sizes["wide"]))
    bench.progress("a narrow model, by our own program", 0.2)
    base = examiner.leg(bench.reference("solution"), narrow, 4, "afresh", {}).usage
    bench.progress("a wide model", 0.25)
    result = examiner.leg(bench.candidate(), wide, 4, "afresh", {})
    examiner.compare("the wide model", wide, 0, initial_state(wide), read_checkpoint(wide, 4, result.artefacts))
    taken = result.usage.peak_memory_bytes - base.peak_memory_bytes
    return taken / (4 * (params_of(wide) - params_of(narrow)))


def memory_job(job: Job, width: int) -> Job:
    """Many units and few tokens, so that little is needed besides the state; two steps, in which no clip bites."""
    shape = {"layers": 12, "width": width, "heads": 4, "context": 16}
    return {**job, "shape": shape, "batch": 4, "last": 2, "save_at": [2], "clip": 1e3}


def relay(examiner: Examiner, job: Job) -> State:
    """The run in legs, each in a box that is given the last one's checkpoint. Returns the last state.

    One part, drawn, is computed again from where it began: nobody knows which of the checkpoints are read.
    """
    bench, rng = examiner.bench, examiner.bench.rng.child("relay")
    steps, every = job["last"], job["last"] // PARTS
    ends = (every * rng.integers(1, 3), every * rng.integers(PARTS - 4, PARTS - 1), steps)  # most of it on two ranks
    audited, begin, states, used = every * rng.integers(0, PARTS), 0, {0: initial_state(job)}, 0.0
    given: Files = {}
    for end, world in zip(ends, (4, 2, 4), strict=True):
        bench.progress(f"steps {begin} to {end} on {world} ranks", 0.3 + 0.7 * begin / steps)
        leg = {**job, "last": end, "save_at": list(range(begin + every, end + 1, every))}
        wanted = {end} | ({audited, audited + every} & set(leg["save_at"]))
        result = examiner.leg(bench.candidate(), leg, world, "train", given, *sorted(wanted))
        states |= {step: read_checkpoint({**job, "last": step}, world, result.artefacts) for step in wanted}
        given = {f"out/{name}": data for name, data in result.artefacts.items() if f"step-{end:05}/" in name}
        begin, used = end, used + result.usage.cpu_s
    began, last = time.process_time(), audited + every
    examiner.compare(f"steps {audited} to {last}", {**job, "last": last}, audited, states[audited], states[last])
    bench.metric("cost", used / steps / ((time.process_time() - began) / every))
    bench.metric("train_cpu_s", used)
    return states[steps]


# Checkpoints


def file_name(step: int, rank: int, world: int) -> str:
    return f"step-{step:05}/rank-{rank}-of-{world}.safetensors"


def read_checkpoint(job: Job, world: int, artefacts: Files) -> State:
    """Weights and moments from the ranks' files. Raises WrongAnswer unless they are sharded, whole and finite."""
    found = {label: torch.full_like(values, math.nan) for label, values in initial_state(job).items()}
    total = sum(values.numel() for values in found.values())
    for rank in range(world):
        name = file_name(job["last"], rank, world)
        pieces = read_tensors(artefacts[name])
        held = sum(piece.size for piece in pieces.values())
        if held > SHARE_SLACK * total / world:
            raise WrongAnswer(f"{name} holds {held:,} numbers; every rank writes its share, here {total // world:,}")
        for key, piece in pieces.items():
            put_piece(found, name, key, piece)
    for label, values in found.items():
        if not bool(values.isfinite().all()):
            raise WrongAnswer(f"step {job['last']}: {label} has elements that no rank wrote, or that are not finite")
    return found


def put_piece(found: State, file: str, key: str, piece: np.ndarray) -> None:
    label, _, first = key.rpartition("@")
    named = label in found and first.isascii() and first.isdecimal() and len(first) <= 12
    if not named or piece.dtype != np.float32 or piece.ndim != 1:
        raise WrongAnswer(f"{file}: {key[:60]!r} ({piece.dtype}, {piece.ndim}-d) is no float32 piece of a parameter")
    place = slice(int(first), int(first) + piece.size)
    if place.stop > found[label].numel():
        raise WrongAnswer(f"{file}: {key[:60]!r} ends beyond its parameter")
    if not bool(found[label][place].isnan().all()):
        raise WrongAnswer(f"{file}: {key[:60]!r} holds elements that another piece has")
    found[label][place] = torch.from_numpy(piece)


def checkpoint_files(step: int, state: State, world: int) -> dict[str, bytes]:
    """A whole checkpoint of ours, every tensor cut in `world` pieces."""
    files = {f"out/step-{step:05}/DONE": json.dumps({"ranks": world}).encode()}
    for rank in range(world):
        pieces = {}
        for label, values in state.items():
            length = -(-values.numel() // world)
            pieces[f"{label}@{rank * length}"] = values[rank * length : (rank + 1) * length].numpy()
        files[f"out/{file_name(step, rank, world)}"] = write_tensors(pieces)
    return files


def drawn_state(job: Job, rng: Rng) -> State:
    """Initial weights and a little noise, with moments as no training leaves them."""
    draw, state = rng.child("state").numpy(), initial_state(job)
    for label, values in state.items():
        noise = torch.from_numpy(draw.normal(size=values.numel()).astype(np.float32))
        made = {"weight": values + 0.01 * noise, "exp_avg": 1e-3 * noise, "exp_avg_sq": 1e-6 * (0.5 + noise.square())}
        state[label] = made[label.partition("/")[0]]
    return state


# The same steps in one process


def parameters(job: Job) -> dict[str, tuple[int, ...]]:
    layers, width, context = (job["shape"][key] for key in ("layers", "width", "context"))
    sizes: dict[str, tuple[int, ...]] = {"0.bytes.weight": (256, width), "0.places.weight": (context, width)}
    for block in range(1, layers + 1):
        shapes = {"norm1": (width,), "qkv": (3 * width, width), "out": (width, width), "norm2": (width,)}
        shapes |= {"up": (4 * width, width), "down": (width, 4 * width)}
        sizes |= {f"{block}.{name}.weight": size for name, size in shapes.items()}
    return sizes | {f"{layers + 1}.norm.weight": (width,), f"{layers + 1}.logits.weight": (256, width)}


def params_of(job: Job) -> int:
    return sum(math.prod(size) for size in parameters(job).values())


def initial_state(job: Job) -> State:
    state: State = {}
    for name, size in parameters(job).items():
        digest = hashlib.sha256(f"{job['seed']}/{name}".encode()).digest()
        draw = torch.Generator().manual_seed(int.from_bytes(digest[:6], "big"))
        value = torch.ones(size) if len(size) == 1 else torch.normal(0.0, 0.5 * size[-1] ** -0.5, size, generator=draw)
        state |= {f"{kind}/{name}": torch.zeros(value.numel()) for kind in KINDS} | {f"weight/{name}": value.flatten()}
    return state


def logits_of(weights: Mapping[str, Tensor], job: Job, ids: Tensor) -> Tensor:
    layers, width, heads = (job["shape"][key] for key in ("layers", "width", "heads"))
    x = F.embedding(ids, weights["0.bytes.weight"]) + weights["0.places.weight"][: ids.shape[1]]
    for block in range(1, layers + 1):
        part = {name: weights[f"{block}.{name}.weight"] for name in ("norm1", "qkv", "out", "norm2", "up", "down")}
        q, k, v = F.linear(F.layer_norm(x, (width,), part["norm1"]), part["qkv"]).chunk(3, -1)
        q, k, v = (y.unflatten(-1, (heads, -1)).transpose(1, 2) for y in (q, k, v))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(-2)
        x = x + F.linear(mixed, part["out"])
        x = x + F.linear(F.gelu(F.linear(F.layer_norm(x, (width,), part["norm2"]), part["up"])), part["down"])
    x = F.layer_norm(x, (width,), weights[f"{layers + 1}.norm.weight"])
    return F.linear(x, weights[f"{layers + 1}.logits.weight"])


def windows_of(text: bytes, draw: np.random.Generator, count: int, context: int) -> Tensor:
    array = np.frombuffer(text, np.uint8)
    starts = draw.integers(0, len(array) - context, count)
    return torch.from_numpy(np.stack([array[at : at + context + 1] for at in starts]).astype(np.int64))


def rate_of(job: Job, step: int) -> float:
    if step < job["warm_up"]:
        return job["rate"] * (step + 1) / job["warm_up"]
    done = (step - job["warm_up"]) / max(1, job["horizon"] - job["warm_up"])
    return job["rate"] * (0.1 + 0.45 * (1 + math.cos(math.pi * min(1.0, done))))


def gradients(job: Job, text: bytes, step: int, state: State) -> list[Tensor]:
    """Of the whole batch's mean loss, in the order of `parameters`."""
    weights = {name: state[f"weight/{name}"].view(size).requires_grad_() for name, size in parameters(job).items()}
    digest = hashlib.sha256(f"{job['seed']}/batch/{step}".encode()).digest()
    draw = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    windows = windows_of(text, draw, job["batch"], job["shape"]["context"])
    loss = F.cross_entropy(logits_of(weights, job, windows[:, :-1]).flatten(0, 1), windows[:, 1:].flatten())
    return list(torch.autograd.grad(loss, list(weights.values())))


def run_steps(job: Job, text: bytes, begin: int, start: State) -> State:
    """Steps `begin` to the job's last, of AdamW as it is written down, on whole tensors."""
    state, (beta, beta_square) = dict(start), BETAS
    for step in range(begin, job["last"]):
        found, rate = gradients(job, text, step, state), rate_of(job, step)
        scale = min(1.0, job["clip"] / float(get_total_norm(found)))
        for name, gradient in zip(parameters(job), found, strict=True):
            weight, mean, square = (state[f"{kind}/{name}"].detach() for kind in KINDS)
            mean = beta * mean + (1 - beta) * scale * gradient.flatten()
            square = beta_square * square + (1 - beta_square) * (scale * gradient.flatten()).square()
            root = (square / (1 - beta_square ** (step + 1))).sqrt() + EPS
            weight = weight * (1 - rate * job["decay"]) - rate * mean / (1 - beta ** (step + 1)) / root
            state |= {f"{kind}/{name}": new for kind, new in zip(KINDS, (weight, mean, square), strict=True)}
    return state


def state_errors(truth: State, found: State, start: State) -> dict[str, float]:
    """By kind: the distance from the truth, over the distance that the truth went from its start."""
    errors = {}
    for kind in KINDS:
        labels = [label for label in truth if label.startswith(f"{kind}/")]
        aim, end, begin = (torch.cat([state[label] for label in labels]) for state in (truth, found, start))
        errors[kind] = float((end - aim).double().norm() / (aim - begin).double().norm())
    return errors


def corpus(bench: Bench) -> tuple[bytes, bytes]:
    """Python's own library: bytes to train on, and those of files that are left out, by a hash of their names."""
    root = Path(sysconfig.get_paths()["stdlib"])
    files = sorted(p for p in root.rglob("*.py") if not SKIPPED & set(p.relative_to(root).parts))
    kept = {path: hashlib.sha256(str(path.relative_to(root)).encode()).digest()[0] < 16 for path in files}
    train = bench.rng.child("train").sample([p for p in files if not kept[p]], int(bench.sizes["train_files"]))
    held_out = [path for path in files if kept[path]]
    return b"\n".join(path.read_bytes() for path in train), b"\n".join(path.read_bytes() for path in held_out)


@torch.no_grad()
def held_out_bits(bench: Bench, job: Job, state: State, held_out: bytes) -> measures.Measure:
    context = job["shape"]["context"]
    windows = windows_of(held_out, bench.rng.child("windows").numpy(), int(bench.sizes["windows"]), context)
    weights = {name: state[f"weight/{name}"].view(size) for name, size in parameters(job).items()}
    logits = logits_of(weights, job, windows[:, :-1]).transpose(1, 2)
    nats = F.cross_entropy(logits, windows[:, 1:], reduction="none").sum(1)
    return measures.bits_per_byte(nats.tolist(), [context] * len(nats))


# Plans


def judge_plans(bench: Bench) -> None:
    """Plans of drawn clusters, the 7B of the lesson first."""
    rng = bench.rng.child("clusters")
    clusters = [draw_cluster(rng.child(str(n)), small=n > 0) for n in range(int(bench.sizes["clusters"]))]
    files = {"data/clusters.json": json.dumps(clusters).encode()}
    result = bench.candidate().train(argv=["plan"], files=files, outputs={"plans.json": 200_000})
    try:
        answers = json.loads(result.artefacts["plans.json"])
    except (ValueError, RecursionError):
        answers = None
    if not isinstance(answers, list) or len(answers) != len(clusters):
        raise WrongAnswer("out/plans.json must hold one plan for each cluster")
    right = [same_plan(answer, expected_plan(cluster)) for answer, cluster in zip(answers, clusters, strict=True)]
    bench.metric("plans_right", measures.share(sum(right), len(right)))


def draw_cluster(rng: Rng, *, small: bool) -> dict[str, Any]:
    """7B on a drawn number of GPUs, or another model."""
    hidden, layers = (rng.choice((2048, 3072, 5120, 8192)), rng.choice((24, 40, 80))) if small else (4096, 32)
    block = 12 * hidden * hidden
    params = layers * block + 64_000 * hidden if small else 7_000_000_000
    model = {"params": params, "layers": layers, "hidden": hidden, "block_params": block}
    run = {"sequence": rng.choice((2048, 4096, 8192)), "batch": rng.choice((512, 1024, 2048))}
    run |= {"tokens": 1e9 * rng.integers(20, 2000), "gpus": rng.choice((8, 16, 64, 256))}
    gpu = {"memory_bytes": 1_000_000_000 * rng.choice((24, 40, 80, 141)), "peak_flops": 1e12 * rng.choice((125, 312))}
    gpu |= {"efficiency": 0.3 + 0.3 * rng.random(), "link_bytes_s": 1e9 * rng.choice((12.5, 25, 50, 300))}
    return model | run | gpu | {"dollars_per_gpu_hour": 1 + 4 * rng.random()}


def expected_plan(cluster: Mapping[str, Any]) -> dict[str, float] | None:
    """The smallest stage that fits, with the largest micro-batch, and what the run then takes."""
    params, gpus, batch = cluster["params"], cluster["gpus"], cluster["batch"]
    states = (16 * params, (4 + 12 / gpus) * params, (2 + 14 / gpus) * params, 16 * params / gpus)
    per_sequence = (2 * cluster["layers"] + 34) * cluster["sequence"] * cluster["hidden"]
    for stage, share in enumerate(states):
        state = share + (4 * cluster["block_params"] if stage == 3 else 0)
        room = (0.9 * cluster["memory_bytes"] - state) / per_sequence
        if room < 1:
            continue
        micro = min(batch // gpus, 2 ** int(math.log2(room)))
        rounds, tokens = batch // (gpus * micro), batch * cluster["sequence"]
        flops = 8 * params + 16 * cluster["layers"] * cluster["hidden"] * cluster["sequence"]
        compute = flops * tokens / (gpus * cluster["peak_flops"] * cluster["efficiency"])
        passes = (2, 2, rounds + 1, 3 * rounds)[stage]
        seconds = max(compute, passes * (1 - 1 / gpus) * 2 * params / cluster["link_bytes_s"])
        days = cluster["tokens"] / tokens * seconds / 86_400
        sizes = (stage, micro, rounds, state + micro * per_sequence)
        costs = (seconds, days, 24 * days * gpus * cluster["dollars_per_gpu_hour"])
        return dict(zip(PLAN_KEYS, sizes + costs, strict=True))
    return None


def same_plan(answer: object, wanted: Mapping[str, float] | None) -> bool:
    if answer is None or wanted is None:
        return answer is None and wanted is None
    numbers = isinstance(answer, dict) and all(type(v) in (int, float) and abs(v) < 1e30 for v in answer.values())
    if not numbers or set(answer) != set(PLAN_KEYS):
        raise WrongAnswer(f"a plan is None, or has a number for each of {', '.join(PLAN_KEYS)}")
    return all(abs(answer[key] - wanted[key]) <= 0.02 * abs(wanted[key]) for key in PLAN_KEYS)
