"""Runs in the lab: fsdp_train's judge beside the learner's model and its report. Prints JSON."""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.testing._internal.distributed.fake_pg import FakeStore

from grader.api import Rng, WrongAnswer, write_safetensors

EXERCISE = Path(__file__).resolve().parents[3] / "lessons" / "01_distributed_training" / "exercises" / "fsdp_train"
SIZES = {"vocab": 24, "width": 16, "heads": 4, "sequence": 8, "batch": 4, "steps": 3}
RANKS = 3  # does not divide the rows


def module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = found
    spec.loader.exec_module(found)
    return found


judge, kit = module(EXERCISE / "judge.py"), module(EXERCISE / "starter" / "kit.py")
run = judge.draw_run(Rng(b"k" * 32), SIZES, 2)
START, WANTED = judge.train(run)


def reports(folder: Path) -> dict[str, bytes]:
    """What each of three ranks reports of the initial weights, sharded, with moments made of them."""
    kit.WORK = folder
    (folder / "data").mkdir()
    (folder / "out").mkdir()
    (folder / "data" / "probes.safetensors").write_bytes(write_safetensors(run.probes))
    for rank in range(RANKS):
        dist.init_process_group("fake", rank=rank, world_size=RANKS, store=FakeStore())
        model = fully_shard(kit.skeleton(run.job), mesh=init_device_mesh("cpu", (RANKS,)))
        model.to_empty(device="cpu")
        kit.fill(model, run.job)
        optimizer = torch.optim.Adam(model.parameters())
        for p in model.parameters():
            optimizer.state[p] = {"exp_avg": p.detach() * 2, "exp_avg_sq": p.detach() * 3}
        kit.report(model, optimizer)
        dist.destroy_process_group()
    return {path.name: path.read_bytes() for path in sorted((folder / "out").iterdir())}


def one_process() -> float:
    """The learner's model, trained whole, beside the judge's values."""
    model = kit.skeleton(run.job)
    model.to_empty(device="cpu")
    kit.fill(model, run.job)
    optimizer = torch.optim.Adam(model.parameters(), lr=run.job["rate"], eps=1e-6)
    for tokens in run.tokens:
        optimizer.zero_grad()
        kit.loss_of(model, tokens).backward()
        optimizer.step()
    found = {}
    for name, p in model.named_parameters():
        tensors = (p.detach(), optimizer.state[p]["exp_avg"], optimizer.state[p]["exp_avg_sq"])
        for group, tensor in zip(judge.GROUPS, tensors, strict=True):
            found[f"{group}.{name}"] = tensor.flatten()[run.probes[name]].numpy()
    return float(judge.state_error(found, WANTED, START))


def rounded(values: Any) -> Any:
    """To bfloat16 and back."""
    return {name: torch.from_numpy(array).bfloat16().float().numpy() for name, array in values.items()}


def refusal(files: dict[str, bytes]) -> str:
    try:
        judge.values_of(files, run.probes)
    except WrongAnswer as error:
        return str(error.message)
    return ""


def pair(name: str, which: Any, values: Any) -> dict[str, bytes]:
    tensors = {f"{name}.which": which, f"{name}.values": values}
    return {"values-0.safetensors": write_safetensors(tensors)}


def refusals(files: dict[str, bytes]) -> dict[str, str]:
    one, name = np.ones(1, np.float32), "weights.norm.weight"
    first = next(iter(files))
    return {
        "missing": refusal({first: files[first]}),
        "twice": refusal({**files, "again": files[first]}),
        "stranger": refusal(pair("weights.other", np.zeros(1, np.int64), one)),
        "half": refusal({"values-0.safetensors": write_safetensors({f"{name}.which": np.zeros(1, np.int64)})}),
        "16 bits": refusal(pair(name, np.zeros(1, np.int64), one.astype(np.float16))),
        "lengths": refusal(pair(name, np.zeros(2, np.int64), one)),
        "outside": refusal(pair(name, np.array([99]), one)),
        "negative": refusal(pair(name, np.array([-1]), one)),
        "nan": refusal(pair(name, np.zeros(1, np.int64), one * np.float32("nan"))),
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = reports(Path(folder))
    found = judge.values_of(files, run.probes)
    told = {key: float(np.abs(found[key] - START[key]).max()) for key in START}
    twice = {key: float(np.abs(found[key.replace("weights", "exp_avg", 1)] - 2 * START[key]).max()) for key in START}
    moments = {key: array for key, array in WANTED.items() if not key.startswith("weights")}
    result = {
        "reported": max(told.values()),
        "moments": max(twice.values()),
        "one_process": one_process(),
        "untrained": judge.state_error({**WANTED, **START}, WANTED, START),
        "moments_in_16_bits": judge.state_error({**WANTED, **rounded(moments)}, WANTED, START),
        "params": [judge.params_of(run.job), sum(p.numel() for p in kit.skeleton(run.job).parameters())],
        "refusals": refusals(files),
    }
    print(json.dumps(result))


main()
