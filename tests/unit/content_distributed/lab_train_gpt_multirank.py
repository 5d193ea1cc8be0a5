"""Runs in the lab: train_gpt_multirank's judge beside the learner's model, kit and plan. Prints JSON."""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load
from torch.optim.adamw import adamw

from grader.api import Rng, WrongAnswer, write_safetensors

EXERCISE = (
    Path(__file__).resolve().parents[3] / "lessons" / "01_distributed_training" / "exercises" / "train_gpt_multirank"
)
SIZES = {"layers": 1, "width": 8, "heads": 2, "context": 8, "batch": 4, "steps": 3}
TEXT = Path(__file__).read_bytes()
WORLD = 3  # does not divide the sizes


def module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = found
    spec.loader.exec_module(found)
    return found


model = module(EXERCISE / "starter" / "model.py")
kit, plan = module(EXERCISE / "starter" / "kit.py"), module(EXERCISE / "solution" / "plan.py")
judge = module(EXERCISE / "judge.py")
JOB = judge.draw_job(Rng(b"k" * 32), SIZES)
START = judge.initial_state(JOB)
END = judge.run_steps(JOB, TEXT, 0, START)


def learners_error() -> float:
    """The learner's model with torch's own optimizer and clip, in one process, against the judge's steps."""
    job = kit.load_job()
    chain = model.GPT(job.shape)
    with torch.no_grad():
        for name, parameter in chain.named_parameters():
            parameter.copy_(model.initial(name, parameter.shape, job.seed))
    held = {
        name: (p, torch.zeros_like(p), torch.zeros_like(p), torch.tensor(0.0)) for name, p in chain.named_parameters()
    }
    parameters, means, squares, steps = (list(column) for column in zip(*held.values(), strict=True))
    for step in range(job.last):
        ids, targets = kit.batch(job, step)
        loss = torch.nn.functional.cross_entropy(chain(ids).flatten(0, 1), targets.flatten())
        gradients = list(torch.autograd.grad(loss, parameters))
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        torch.nn.utils.clip_grad_norm_(parameters, job.clip)
        # The function beneath AdamW: a step of the optimizer itself would import torch._dynamo, which takes seconds.
        with torch.no_grad():
            adamw(
                parameters, gradients, means, squares, [], steps, foreach=False, amsgrad=False, maximize=False,
                beta1=kit.BETAS[0], beta2=kit.BETAS[1], eps=kit.EPS, lr=kit.rate(job, step), weight_decay=job.decay,
            )  # fmt: skip
    found: dict[str, torch.Tensor] = {}
    for name, (parameter, mean, square, _) in held.items():
        tensors = zip(kit.KINDS, (parameter.detach(), mean, square), strict=True)
        found |= {f"{kind}/{name}": tensor.flatten() for kind, tensor in tensors}
    return float(max(judge.state_errors(END, found, START).values()))


def written_by_the_kit() -> dict[str, bytes]:
    """What three ranks write of the state, each its third of every parameter."""
    for rank in range(WORLD):
        pieces = {}
        for label, values in END.items():
            length = -(-values.numel() // WORLD)
            pieces[f"{label}@{rank * length}"] = values[rank * length : (rank + 1) * length]
        kit.write_pieces(JOB["last"], rank, WORLD, pieces)
    kit.mark_whole(JOB["last"], WORLD)
    return {judge.file_name(JOB["last"], rank, WORLD): path.read_bytes() for rank, path in enumerate(ranks_files())}


def ranks_files() -> list[Path]:
    return sorted(kit.folder(JOB["last"]).glob("rank-*"))


def ranges_are_equal() -> bool:
    """Ranges across the borders between ranks, read back from the files."""
    label = "exp_avg/1.qkv.weight"
    values = END[label]
    spans = [(0, 5), (60, 70), (0, values.numel()), (values.numel() - 1, values.numel())]
    return all(
        torch.equal(kit.read_range(JOB["last"], "exp_avg", "1.qkv.weight", low, high), values[low:high])
        for low, high in spans
    )


def refusal(files: Mapping[str, bytes]) -> str:
    try:
        judge.read_checkpoint(JOB, WORLD, files)
    except WrongAnswer as error:
        return str(error.message)
    return ""


def refusals(files: dict[str, bytes]) -> dict[str, str]:
    first, second, _ = files
    tensors = {name: np.array(values) for name, values in load(files[first]).items()}
    key = "weight/1.norm1.weight@0"
    everything = {f"{label}@0": values.numpy() for label, values in END.items()}
    stranger = {"weight/other@0": tensors[key]}
    return {
        "none": refusal(files),
        "unsharded": refusal({**files, first: write_safetensors(everything)}),
        "twice": refusal({**files, second: files[first]}),
        "hole": refusal({**files, first: write_safetensors({k: v for k, v in tensors.items() if k != key})}),
        "nan": refusal({**files, first: write_safetensors({**tensors, key: tensors[key] * np.float32("nan")})}),
        "16 bits": refusal({**files, first: write_safetensors({**tensors, key: tensors[key].astype(np.float16)})}),
        "beyond": refusal({**files, first: write_safetensors({"weight/1.norm1.weight@7": tensors[key]})}),
        "stranger": refusal({**files, first: write_safetensors(stranger)}),
        "nowhere": refusal({**files, first: write_safetensors({"weight/1.norm1.weight@²": tensors[key]})}),
    }


def rounded_moments() -> float:
    """What bfloat16 leaves of the moments."""
    found = {k: v if k.startswith("weight/") else v.bfloat16().float() for k, v in END.items()}
    return float(max(judge.state_errors(END, found, START).values()))


def plans() -> dict[str, Any]:
    clusters = [judge.draw_cluster(Rng(b"p" * 32).child(str(n)), small=n % 4 > 0) for n in range(400)]
    answers = [(plan.plan(cluster), judge.expected_plan(cluster)) for cluster in clusters]
    seven = judge.expected_plan(plan.SEVEN_BILLION)
    return {
        "agree": all(judge.same_plan(answer, wanted) for answer, wanted in answers),
        "stages": sorted({wanted["stage"] for _, wanted in answers if wanted}),
        "nothing_fits": sum(wanted is None for _, wanted in answers),
        "seven": seven,
        "off_by_1_percent": judge.same_plan({**seven, "days": seven["days"] * 1.01}, seven),
        "off_by_3_percent": judge.same_plan({**seven, "days": seven["days"] * 1.03}, seven),
        "none_where_one_fits": judge.same_plan(None, seven),
        "refused": [
            plan_refused({**seven, "days": value}, seven) for value in (True, "3", float("nan"), float("inf"), 10**400)
        ]
        + [plan_refused({"stage": 1}, seven), plan_refused([1], seven)],
    }


def plan_refused(answer: object, wanted: Mapping[str, float]) -> bool:
    try:
        judge.same_plan(answer, wanted)
    except WrongAnswer:
        return True
    return False


def main() -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        kit.WORK, kit.OUT = Path(folder), Path(folder) / "out"
        (kit.WORK / "data").mkdir()
        (kit.WORK / "data" / "job.json").write_text(json.dumps(JOB))
        (kit.WORK / "data" / "train.bin").write_bytes(TEXT)
        files = written_by_the_kit()
        found = judge.read_checkpoint(JOB, WORLD, files)
        result: dict[str, Any] = {
            "learners": learners_error(),
            "round_trip": all(torch.equal(found[label], END[label]) for label in END),
            "ranges": ranges_are_equal(),
        }
    ours = {name.removeprefix("out/"): data for name, data in judge.checkpoint_files(3, END, WORLD).items()}
    whole = judge.read_checkpoint(JOB, WORLD, ours)
    result |= {
        "ours": all(torch.equal(whole[label], END[label]) for label in END),
        "untrained": judge.state_errors(END, START, START),
        "same": judge.state_errors(END, END, START),
        "rounded": rounded_moments(),
        "refusals": refusals(files),
        "plans": plans(),
        "same_limits": judge.SAME,
    }
    print(json.dumps(result))


main()
